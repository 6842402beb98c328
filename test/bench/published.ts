/** What `npm run bench -- --write` puts into the documents: its tables, and a plot of how both stand beside each other. */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { markdownTable } from 'markdown-table';
import { formatted } from '../../infra/tools/formatted.ts';
import { withSection } from '../../infra/tools/sections.ts';
import type { Size } from './beside.ts';
import type { Rows, Tables } from './tables.ts';

const parts = ['handlers', 'handlers-same-work', 'stacks', 'stacks-same-work'] as const;
type Part = (typeof parts)[number];

/** Writes all that a whole run has measured. */
export async function publish(measured: Tables, size: Size): Promise<void> {
  const tables = (...names: readonly string[]): string =>
    names.map((name) => tableOf(measured.of(name))).join('\n\n');
  await fill('test/bench/README.md', {
    run: howMeasured(size),
    handlers: tables('handlers'),
    'handlers-same-work': tables('handlers-same-work'),
    stacks: tables('stacks', 'effect'),
    'stacks-same-work': tables('stacks-same-work', 'effect-same-work'),
  });
  const ratios = lines(measured).map((line) => ({ ...line, ratios: parts.map(ratioIn(measured, line)) }));
  const speed = [plotOf(ratios), '', ratioTable(ratios)].join('\n');
  for (const readme of ['README.md', 'README.ko.md']) await fill(readme, { speed });
}

async function fill(path: string, sections: Readonly<Record<string, string>>): Promise<void> {
  const file = new URL(`../../${path}`, import.meta.url);
  const text = Object.entries(sections).reduce(
    (filled, [name, section]) => withSection(filled, name, section),
    await readFile(file, 'utf8'),
  );
  await writeFile(file, await formatted(file, text));
}

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

const lines = (measured: Tables): readonly Line[] =>
  measured
    .of('handlers')
    .slice(1)
    .map(([what = '', callers = '']) => ({ what, callers }));

const ratioIn =
  (measured: Tables, line: Line) =>
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
