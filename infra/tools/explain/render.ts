/** Plans as text: one as a list of its calls, several side by side as a table. */
import { markdownTable } from 'markdown-table';
import { placeOf } from './access.ts';
import type { Access } from './access.ts';
import { databaseTime } from './plan.ts';
import type { Plan, PlannedCall } from './plan.ts';
import type { Warning } from './warnings.ts';

/** Pages of queries and scans that go on from others: beyond these they are summed up in one line. */
const continuedShown = 1;
const valueMaxCharacters = 96;

export interface RenderOptions {
  /** Whether the database's own figures are shown, too. */
  readonly reported?: boolean;
}

export function renderPlan(plan: Plan, warnings: readonly Warning[], options: RenderOptions = {}): string {
  const hidden = plan.calls.filter(({ continued }) => continued).slice(continuedShown);
  return [
    `${plan.name}${plan.status === 0 ? '' : `   -> ${plan.status}`}`,
    ...plan.calls.filter((call) => !hidden.includes(call)).flatMap((call) => renderCall(call, options)),
    ...(hidden.length > 0 ? [`  … and ${hidden.length} more pages of the same`] : []),
    `  ${totals(plan)}`,
    `  units by place: ${plan.places.map((place) => `${place.place} ${units(place)}`).join(', ')}`,
    ...warnings.map(({ code, detail }) => `  ! ${code}: ${detail}`),
  ].join('\n');
}

const totals = (plan: Plan): string =>
  [
    `requests ${plan.requests}`,
    ...(plan.itemsRead > 0 ? [`items read ${plan.itemsRead}, returned ${plan.itemsReturned}`] : []),
    `read units ${plan.readUnits}`,
    `write units ${plan.writeUnits}`,
    `database ${milliseconds(databaseTime(plan))}, in all ${milliseconds(plan.milliseconds)}`,
    `$${plan.dollarsPerMillion.toFixed(2)} per million`,
  ].join(', ');

const units = ({ readUnits, writeUnits }: { readUnits: number; writeUnits: number }): string =>
  [...(readUnits > 0 ? [`${readUnits} R`] : []), ...(writeUnits > 0 ? [`${writeUnits} W`] : [])].join(' ');

/** Calls of one step run in parallel. */
function renderCall(call: PlannedCall, { reported = false }: RenderOptions): readonly string[] {
  const computed = call.readUnits + call.writeUnits;
  const notes = [
    ...(call.continued ? ['continued'] : []),
    ...(call.requests > 1 ? [`${call.requests} requests`] : []),
    ...(call.error === undefined ? [] : [`refused: ${call.error}`]),
    milliseconds(call.milliseconds),
    ...(reported ? [`${computed} units computed, ${call.reportedUnits} reported`] : []),
  ];
  return [
    `  step ${call.step}  ${call.operation}  (${notes.join(', ')})`,
    ...call.accesses.flatMap(renderAccess).map((line) => `    ${line}`),
  ];
}

function renderAccess(access: Access): readonly string[] {
  const { action, purpose, bytes, readUnits, writeUnits, indexWrites, consistent, expressions } = access;
  const options = [
    ...indexWrites.map((write) => `+${write.units} W ${write.index}`),
    ...(consistent === undefined ? [] : [consistent ? 'consistent' : 'eventually consistent']),
    ...(access.descending === true ? ['newest first'] : []),
    ...(access.limit === undefined ? [] : [`limit ${access.limit}`]),
    ...(readUnits > 0 ? [`${access.itemsReturned} returned of ${access.itemsRead} read`] : []),
  ];
  const columns = [
    action.padEnd(6),
    placeOf(access).padEnd(14),
    purpose.padEnd(30),
    `${bytes} B`.padStart(8),
    units({ readUnits, writeUnits }).padStart(6),
    options.join(', '),
  ];
  return [
    columns.join(' ').trimEnd(),
    ...Object.entries(expressions).map(([name, value]) => `  ${name}: ${cut(value)}`),
  ];
}

const cut = (value: string): string =>
  value.length > valueMaxCharacters ? `${value.slice(0, valueMaxCharacters - 1)}…` : value;

/** Plans of one request side by side, as a table of Markdown. */
export function comparisonTable(
  name: string,
  columns: readonly { readonly title: string; readonly plan: Plan }[],
): string {
  const rows: readonly (readonly [string, (plan: Plan) => string])[] = [
    ['calls', callsOf],
    ['items read', ({ itemsRead }) => grouped(itemsRead)],
    ['items returned', ({ itemsReturned }) => grouped(itemsReturned)],
    ['requests', ({ requests }) => grouped(requests)],
    ['read units', ({ readUnits }) => grouped(readUnits)],
    ['write units', ({ writeUnits }) => grouped(writeUnits)],
    ['database time', (plan) => milliseconds(databaseTime(plan))],
    ['$ per million', ({ dollarsPerMillion }) => grouped(dollarsPerMillion, 2)],
  ];
  return markdownTable(
    [
      [`\`${name}\``, ...columns.map(({ title }) => title)],
      ...rows.map(([label, cell]) => [label, ...columns.map(({ plan }) => cell(plan))]),
    ],
    { align: [null, ...columns.map(() => 'r')] },
  );
}

function callsOf({ calls }: Plan): string {
  const names = calls.map(
    ({ operation, accesses }) => `${operation} ${[...new Set(accesses.map(placeOf))].join('+')}`,
  );
  return [...new Set(names)]
    .map((name) => ({ name, count: names.filter((other) => other === name).length }))
    .map(({ name, count }) => (count > 1 ? `${count} x ${name}` : name))
    .join(', ');
}

/** With commas between groups of three digits. */
export const grouped = (number: number, decimals = 0): string =>
  number.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: Math.max(decimals, 1),
  });

const milliseconds = (of: number): string =>
  of >= 10_000 ? `${(of / 1000).toFixed(1)} s` : `${of.toFixed(1)} ms`;
