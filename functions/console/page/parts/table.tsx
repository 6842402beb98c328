/**
 * A table that becomes a list of blocks on a phone. The roles are written out, because a table that is laid out as
 * blocks is none to a screen reader.
 */
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly kind?: 'number' | 'when' | 'id';
}

interface TableProps<Row> {
  /** What it lists, for whoever cannot see where it stands. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}

export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table class="stacked" role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ name, kind = '' }) => (
            <th key={name} role="columnheader" scope="col" class={kind === 'number' ? kind : ''}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ name, cell, kind = '' }) => (
              <td key={name} role="cell" class={kind} data-label={name}>
                <span>{cell(row)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
