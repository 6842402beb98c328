/** Plans as text: one as a list of its calls, several side by side as a table. */
import { markdownTable } from 'markdown-table';
import { placeOf } from './access.ts';
import type { Access } from './access.ts';
import { databaseTime } from './plan.ts';
import type { Plan, PlannedCall, Units } from './plan.ts';
import type { Warning } from './warnings.ts';

const valueMaxCharacters = 96;

/** @param reported whether the database's own figures are shown, too */
export function renderPlan(plan: Plan, warnings: readonly Warning[], reported = false): string {
  const { status, requests, itemsRead, itemsReturned, readUnits, writeUnits } = plan;
  const totals = [
    `requests ${requests}`,
    ...(itemsRead > 0 ? [`items read ${itemsRead}, returned ${itemsReturned}`] : []),
    `read units ${readUnits}`,
    `write units ${writeUnits}`,
    `database ${duration(databaseTime(plan))}, in all ${duration(plan.milliseconds)}`,
    `$${plan.dollarsPerMillion.toFixed(2)} per million`,
  ];
  return [
    `${plan.name}${status === 0 ? '' : `   -> ${status}`}`,
    ...plan.calls.flatMap((call) => renderCall(call, reported)),
    `  ${totals.join(', ')}`,
    `  units by place: ${plan.places.map((place) => `${place.place} ${unitsIn(place)}`).join(', ')}`,
    ...warnings.map(({ code, detail }) => `  ! ${code}: ${detail}`),
  ].join('\n');
}

const unitsIn = ({ readUnits, writeUnits }: Units): string =>
  [...(readUnits > 0 ? [`${readUnits} R`] : []), ...(writeUnits > 0 ? [`${writeUnits} W`] : [])].join(' ');

/** Calls of one step run in parallel. */
function renderCall(call: PlannedCall, reported: boolean): readonly string[] {
  const { readUnits, writeUnits, reportedUnits } = call;
  const notes = [
    ...(call.requests > 1 ? [`${call.requests} requests`] : []),
    ...(call.error === undefined ? [] : [`refused: ${call.error}`]),
    duration(call.milliseconds),
    ...(reported ? [`${readUnits + writeUnits} units computed, ${reportedUnits} reported`] : []),
  ];
  return [
    `  step ${call.step}  ${call.operation}  (${notes.join(', ')})`,
    ...call.accesses.flatMap(renderAccess).map((line) => `    ${line}`),
  ];
}

function renderAccess(access: Access): readonly string[] {
  const { consistent, limit } = access;
  const options = [
    ...(consistent === undefined ? [] : [consistent ? 'consistent' : 'eventually consistent']),
    ...(access.descending === true ? ['newest first'] : []),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
    ...(access.readUnits > 0 ? [`${access.itemsReturned} returned of ${access.itemsRead} read`] : []),
  ];
  const columns = [
    access.action.padEnd(6),
    placeOf(access).padEnd(14),
    access.purpose.padEnd(30),
    `${access.bytes} B`.padStart(8),
    unitsIn(access).padStart(6),
    options.join(', '),
  ];
  const cut = (value: string): string =>
    value.length > valueMaxCharacters ? `${value.slice(0, valueMaxCharacters - 1)}…` : value;
  return [
    columns.join(' ').trimEnd(),
    ...Object.entries(access.expressions).map(([name, value]) => `  ${name}: ${cut(value)}`),
  ];
}

/** Plans of one request side by side, as a table of Markdown. @param plans by the titles of their columns */
export function comparisonTable(name: string, plans: Readonly<Record<string, Plan>>): string {
  const columns = Object.values(plans);
  const row = (label: string, cell: (plan: Plan) => string): string[] => [label, ...columns.map(cell)];
  return markdownTable(
    [
      [`\`${name}\``, ...Object.keys(plans)],
      row('calls', callsOf),
      row('items read', ({ itemsRead }) => grouped(itemsRead)),
      row('items returned', ({ itemsReturned }) => grouped(itemsReturned)),
      row('requests', ({ requests }) => grouped(requests)),
      row('read units', ({ readUnits }) => grouped(readUnits)),
      row('write units', ({ writeUnits }) => grouped(writeUnits)),
      row('database time', (plan) => duration(databaseTime(plan))),
      row('$ per million', ({ dollarsPerMillion }) => grouped(dollarsPerMillion, 2)),
    ],
    { align: [null, ...columns.map(() => 'r')] },
  );
}

function callsOf({ calls }: Plan): string {
  const counts = new Map<string, number>();
  for (const { operation, accesses, requests } of calls) {
    const name = `${operation} ${[...new Set(accesses.map(placeOf))].join('+')}`;
    counts.set(name, (counts.get(name) ?? 0) + requests);
  }
  return [...counts].map(([name, count]) => (count > 1 ? `${count} x ${name}` : name)).join(', ');
}

/** With commas between groups of three digits. */
export const grouped = (number: number, decimals = 0): string =>
  number.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: Math.max(decimals, 1),
  });

const duration = (ms: number): string =>
  ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(1)} ms`;
