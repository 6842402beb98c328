/** What `npm run bench -- --write` puts into the documents: its tables, and a plot of how both stand beside each other. */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { markdownTable } from 'markdown-table';
import { format, resolveConfig } from 'prettier';
import { withSection } from '../../infra/tools/sections.ts';
import type { Size } from './beside.ts';

type Rows = readonly (readonly string[])[];

/** The tables of a run, by their names: rows as they were printed, the first of them the head. */
export class MeasuredTables {
  readonly #tables = new Map<string, (readonly string[])[]>();
  #name = '';

  /** Takes a row as it is printed: one cell is a title, and none ends a table, behind which comes one of effects. */
  add(cells: readonly string[]): void {
    const [first, second] = cells;
    if (first === undefined) this.#name += '-effect';
    else if (second === undefined) this.#name = nameOf(first);
    else if (second !== '---') this.#tables.set(this.#name, [...this.#rows(), cells]);
  }

  /** Throws where the run has not measured it. */
  of(name: string): Rows {
    const rows = this.#tables.get(name);
    if (rows === undefined) throw new Error(`the run has no table "${name}"`);
    return rows;
  }

  #rows(): Rows {
    return this.#tables.get(this.#name) ?? [];
  }
}

/** `handlers` or `stacks`, with `-same-work` behind it. */
const nameOf = (title: string): string =>
  `${title.split(' ')[0] ?? ''}${title.includes('the same work') ? '-same-work' : ''}`;

const parts = ['handlers', 'handlers-same-work', 'stacks', 'stacks-same-work'] as const;
type Part = (typeof parts)[number];

/** Writes all that a whole run has measured. */
export async function publish(measured: MeasuredTables, size: Size): Promise<void> {
  let speed = await readFile(new URL('README.md', import.meta.url), 'utf8');
  speed = withSection(speed, 'run', howMeasured(size));
  for (const part of parts) {
    const effect = part.startsWith('stacks') ? ['', tableOf(measured.of(`${part}-effect`))] : [];
    speed = withSection(speed, part, [tableOf(measured.of(part)), ...effect].join('\n'));
  }
  await write(new URL('README.md', import.meta.url), speed);
  const ratios = lines(measured).map((line) => ({ ...line, ratios: parts.map(ratioIn(measured, line)) }));
  const section = [plotOf(ratios), '', ratioTable(ratios)].join('\n');
  for (const name of ['README.md', 'README.ko.md']) {
    const readme = new URL(`../../${name}`, import.meta.url);
    await write(readme, withSection(await readFile(readme, 'utf8'), 'speed', section));
  }
}

const write = async (file: URL, text: string): Promise<void> =>
  writeFile(file, await format(text, { ...(await resolveConfig(file)), parser: 'markdown' }));

const howMeasured = ({ rounds, commands }: Size): string =>
  `Medians of ${rounds} rounds of ${commands} commands, with the slowest and the fastest round (\`npm run bench -- --write ` +
  `--rounds ${rounds} --commands ${commands}\`, ${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} processors, ` +
  `${os.cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}).`;

/** Without the columns in which nothing stands. */
function tableOf(rows: Rows): string {
  const [head = [], ...measured] = rows;
  const filled = head.flatMap((_title, column) =>
    measured.some((row) => row[column] !== '') ? [column] : [],
  );
  return markdownTable(rows.map((row) => filled.map((column) => row[column] ?? '')));
}

interface Line {
  readonly what: string;
  readonly callers: string;
}
interface Ratios extends Line {
  /** By part; none where that does not measure it. */
  readonly ratios: readonly (string | undefined)[];
}

const lines = (measured: MeasuredTables): readonly Line[] =>
  measured
    .of('handlers')
    .slice(1)
    .map(([what = '', callers = '']) => ({ what, callers }));

const ratioIn =
  (measured: MeasuredTables, line: Line) =>
  (part: Part): string | undefined => {
    const rows = measured.of(part);
    const column = rows[0]?.indexOf('ratio') ?? -1;
    return rows.find(([what, callers]) => what === line.what && callers === line.callers)?.[column];
  };

const ratioTable = (all: readonly Ratios[]): string =>
  markdownTable(
    [
      ['times the stock pattern’s commands/s', 'callers', 'handler', 'same work', 'whole', 'same work'],
      ...all.map(({ what, callers, ratios }) => [what, callers, ...ratios.map((ratio) => ratio ?? '')]),
    ],
    { align: [null, 'r', 'r', 'r', 'r', 'r'] },
  );

/** What stands under its bar, by a word of what is measured. */
const labels = Object.entries({
  again: 'replay',
  create: 'create',
  confirm: 'confirm',
  duplicates: 'duplicates',
  places: 'claims',
  points: 'spends',
});

const labelOf = ({ what, callers }: Line): string =>
  `${labels.find(([word]) => what.includes(word))?.[1] ?? what} ${callers}`;

/** Bars are the handler alone, the line is all of `npm start`. GitHub draws it as SVG. */
function plotOf(all: readonly Ratios[]): string {
  const values = (part: Part): string =>
    all.map(({ ratios }) => ratios[parts.indexOf(part)] ?? '0').join(', ');
  return [
    '```mermaid',
    'xychart-beta',
    '  title "Commands a second, times the stock pattern (bars: the handler alone, line: all of npm start)"',
    `  x-axis [${all.map((line) => `"${labelOf(line)}"`).join(', ')}]`,
    '  y-axis "times"',
    `  bar [${values('handlers')}]`,
    `  line [${values('stacks')}]`,
    '```',
  ].join('\n');
}
