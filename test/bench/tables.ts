/** What a run prints. */
export type PrintRow = (cells: readonly string[]) => void;

export type Rows = readonly (readonly string[])[];

/** The tables of a run, by their names: each row is printed as soon as it is measured, and kept. */
export class Tables {
  readonly printRow: PrintRow;
  readonly #rows = new Map<string, (readonly string[])[]>();

  constructor(printRow: PrintRow) {
    this.printRow = printRow;
  }

  /** Prints the head of a table. @returns prints a row of it */
  begin(name: string, head: readonly string[]): PrintRow {
    const rows = [head];
    this.#rows.set(name, rows);
    this.printRow(head);
    this.printRow(head.map(() => '---'));
    return (cells) => {
      rows.push(cells);
      this.printRow(cells);
    };
  }

  /** @returns its head and its rows; throws where the run has not begun it */
  of(name: string): Rows {
    const rows = this.#rows.get(name);
    if (rows === undefined) throw new Error(`the run has no table "${name}"`);
    return rows;
  }
}
