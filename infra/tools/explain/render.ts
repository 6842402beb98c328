/** Plans as text: a tree of one, and two side by side. */
import type { Access } from './access.ts';
import type { Plan, PlannedCall } from './plan.ts';
import { databaseTime } from './run.ts';
import type { Warning } from './warnings.ts';

/** Pages of one query or scan beyond these are summed up in one line. */
const pagesShown = 2;
const valueMaxCharacters = 96;

export function renderPlan(plan: Plan, warnings: readonly Warning[]): string {
  const lines = [`${plan.name}${plan.status === 0 ? '' : `   -> ${plan.status}`}`];
  const shown = plan.calls.filter(isShown);
  const hidden = plan.calls.length - shown.length;
  for (const [step, calls] of groupBy(shown, ({ step: of }) => of)) {
    const isLast = step === shown.at(-1)?.step;
    const rail = isLast ? '   ' : '│  ';
    const together = calls.length > 1 ? `, ${calls.length} calls in parallel` : '';
    lines.push(`${isLast ? '└─' : '├─'} step ${step}${together}`);
    for (const call of calls) lines.push(...renderCall(call).map((line) => `${rail}${line}`));
  }
  if (hidden > 0) lines.push(`   … and ${hidden} more pages of the same`);
  lines.push(`   ${totals(plan)}`, `   ${places(plan)}`);
  for (const { code, detail } of warnings) lines.push(`   ! ${code}: ${detail}`);
  return lines.join('\n');
}

export const totals = (plan: Plan): string =>
  [
    `requests ${plan.requests}`,
    ...(plan.pages > 0 ? [`pages ${plan.pages}`] : []),
    ...(plan.itemsRead > 0 ? [`items read ${plan.itemsRead}, returned ${plan.itemsReturned}`] : []),
    `read units ${plan.readUnits}`,
    `write units ${plan.writeUnits}`,
    `database ${milliseconds(databaseTime(plan))}, in all ${milliseconds(plan.milliseconds)}`,
    `$${plan.dollarsPerMillion.toFixed(2)} per million`,
  ].join(', ');

const places = ({ places: of }: Plan): string =>
  `units by place: ${of
    .map(({ place, readUnits, writeUnits }) =>
      [
        place,
        ...(readUnits > 0 ? [`${readUnits} R`] : []),
        ...(writeUnits > 0 ? [`${writeUnits} W`] : []),
      ].join(' '),
    )
    .join(', ')}`;

/** A scan of a thousand pages is its first pages and a line. */
function isShown(call: PlannedCall, index: number, calls: readonly PlannedCall[]): boolean {
  if (!call.continued) return true;
  return calls.slice(0, index).filter(({ continued }) => continued).length < pagesShown - 1;
}

function renderCall(call: PlannedCall): string[] {
  const { operation, accesses, error, requests, reportedUnits, readUnits, writeUnits } = call;
  const notes = [
    ...(accesses.length > 1 ? [`${accesses.length} items`] : []),
    ...(call.continued ? ['continued'] : []),
    ...(requests > 1 ? [`${requests} requests`] : []),
    ...(error === undefined ? [] : [`refused: ${error}`]),
    milliseconds(call.milliseconds),
    ...(reportedUnits === undefined
      ? []
      : [`${readUnits + writeUnits} units computed, ${reportedUnits} reported`]),
  ];
  const lines = [`${operation}  (${notes.join(', ')})`];
  for (const [index, access] of accesses.entries()) {
    const isLast = index === accesses.length - 1;
    const [head = '', ...details] = renderAccess(access);
    lines.push(
      `${isLast ? '└─' : '├─'} ${head}`,
      ...details.map((line) => `${isLast ? '   ' : '│  '}   ${line}`),
    );
  }
  return lines;
}

function renderAccess(access: Access): string[] {
  const { action, table, index, purpose, bytes, readUnits, writeUnits, indexWrites } = access;
  const place = index === undefined ? table : `${table}/${index}`;
  const units = readUnits > 0 ? `${readUnits} R` : `${writeUnits} W`;
  const caused = indexWrites.map((write) => `+${write.units} W ${write.index}`);
  const head = [
    action.padEnd(6),
    place.padEnd(14),
    purpose.padEnd(34),
    `${bytes} B`.padStart(9),
    [units, ...caused].join(' ').padStart(8),
  ].join(' ');
  const options = [
    ...(access.consistent === true ? ['consistent'] : []),
    ...(access.consistent === false ? ['eventually consistent'] : []),
    ...(access.descending === true ? ['newest first'] : []),
    ...(access.limit === undefined ? [] : [`limit ${access.limit}`]),
    ...(readUnits > 0 ? [`${access.itemsReturned} returned of ${access.itemsRead} read`] : []),
  ];
  const more = (access.keys?.length ?? 1) - 1;
  const expressions: [string, string | undefined][] = [
    ['key', access.keyCondition && `${access.keyCondition}${more > 0 ? ` and ${more} more` : ''}`],
    ['filter', access.filter],
    ['projection', access.projection],
    ['update', access.update],
    ['if', access.condition],
  ];
  return [
    `${head}${options.length > 0 ? `   ${options.join(', ')}` : ''}`,
    ...expressions.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${cut(value)}`])),
  ];
}

const cut = (value: string): string =>
  value.length > valueMaxCharacters ? `${value.slice(0, valueMaxCharacters - 1)}…` : value;

/** Two plans of one request as rows of a table. */
export function renderSideBySide(withIndex: Plan, without: Plan, name: string): string {
  const rows: [string, string, string][] = [
    ['', `with ${name}`, `without ${name}`],
    ['calls', callsOf(withIndex), callsOf(without)],
    ...(
      [
        ['requests', ({ requests }) => requests],
        ['items read', ({ itemsRead }) => itemsRead],
        ['items returned', ({ itemsReturned }) => itemsReturned],
        ['read units', ({ readUnits }) => readUnits],
        ['write units', ({ writeUnits }) => writeUnits],
      ] as [string, (plan: Plan) => number][]
    ).map(([label, of]): [string, string, string] => [label, grouped(of(withIndex)), grouped(of(without))]),
    ['database time', milliseconds(databaseTime(withIndex)), milliseconds(databaseTime(without))],
    ['$ per million', dollars(withIndex), dollars(without)],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .join('\n');
}

export const callsOf = ({ calls }: Plan): string =>
  [...groupBy(calls, ({ operation, accesses }) => `${operation} ${placeOf(accesses)}`)]
    .map(([name, all]) => (all.length > 1 ? `${all.length} x ${name}` : name))
    .join(', ');

const placeOf = (accesses: readonly Access[]): string =>
  [...new Set(accesses.map(({ table, index }) => (index === undefined ? table : `${table}/${index}`)))].join(
    '+',
  );

export const grouped = (number: number): string => number.toLocaleString('en-US');
export const milliseconds = (of: number): string =>
  of >= 10_000 ? `${(of / 1000).toFixed(1)} s` : `${of.toFixed(1)} ms`;
export const dollars = ({ dollarsPerMillion }: Plan): string =>
  dollarsPerMillion.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function groupBy<Value, Key>(values: readonly Value[], keyOf: (value: Value) => Key): Map<Key, Value[]> {
  const groups = new Map<Key, Value[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
