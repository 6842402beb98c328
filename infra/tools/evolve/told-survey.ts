/** What a survey has found, for people. */
import type { Named, Survey } from './survey.ts';

const sorted = <Value>(record: Readonly<Record<string, Value>>): readonly [string, Value][] =>
  Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1));

const named = (all: Readonly<Record<string, Named>>): readonly string[] =>
  sorted(all).map(
    ([what, { count, first }]) =>
      `  ${count} ${what}\n${first.map((each) => `      ${each}`).join('\n')}${count > first.length ? '\n      ...' : ''}`,
  );

export function toldSurvey({ looked, entities, stranded, ledgers }: Survey): string {
  const { entries, left, steps, problems } = ledgers;
  const part = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [title, ...lines];
  return [
    `${looked} entities, by version and status:`,
    ...sorted(entities).map(([what, count]) => `  ${count} ${what}`),
    ...part('STRANDED:', named(stranded)),
    `${entries} ledger entries were folded${left > 0 ? `; those of ${left} entities were not (--entries folds more)` : ''}`,
    ...part(
      'steps of the past that the machines do not make any more (the ledger keeps them):',
      sorted(steps).map(([what, count]) => `  ${count} ${what}`),
    ),
    ...part('PROBLEMS, as the audit would find them:', named(problems)),
  ].join('\n');
}

/** Whether something has to be done before the definitions are released. */
export const isInOrder = ({ stranded, ledgers }: Survey): boolean =>
  Object.keys(stranded).length === 0 && Object.keys(ledgers.problems).length === 0;
