/**
 * Random histories: many callers, few entities, every fault at random rates. A failure names the seed; with
 * `FAULT_SEED=<seed>` the same choices are made again. `npm test` runs one, `npm run test:all` four, and
 * `FAULT_MINUTES=10 npm run test:all` goes on for as long.
 */
import { expect, test } from 'vitest';
import { firstOf } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { runHistory } from '../support/faults/history.ts';
import { seedOf } from '../support/faults/random.ts';
import { isFullScope } from '../support/faults/scope.ts';

/** Histories of a run that nobody gave more time. */
const histories = isFullScope ? 4 : 1;
/** One in so many is also checked for all that ever happened to it, from the streams, which cost the others time. */
const checkedChanges = 5;
const minutes = Number(process.env['FAULT_MINUTES'] ?? 0);
const timeoutMs = 300_000 + minutes * 60_000;

test('random histories keep every guarantee', { timeout: timeoutMs }, async () => {
  const first = seedOf();
  const end = Date.now() + minutes * 60_000;
  const isReplay = process.env['FAULT_SEED'] !== undefined;
  const problems: string[] = [];
  for (let index = 0; index < (isReplay ? 1 : histories) || Date.now() < end; index += 1) {
    const seed = first + index;
    const checksChanges = isReplay || index % checkedChanges === 0;
    // Said before it runs, so that one that never ends is known, too.
    process.stdout.write(`FAULT_SEED=${seed}\n`);
    const { faults, violations } = await runHistory({ seed, callers: 8, steps: 10, checksChanges });
    count({ subject: 'histories', what: 'random history', cases: 1, faults, violations: violations.length });
    const problem = firstOf(violations);
    if (problem !== undefined) problems.push(`FAULT_SEED=${seed}: ${problem}`);
  }
  expect(problems).toEqual([]);
});
