/**
 * A redrive run of thousands of letters, killed ten times at calls all over it: each letter is run again once (G17).
 * `LETTERS` says another number, as 50,000.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putDeadLetters } from '../support/dead-letters.ts';
import { firstOf } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { Injector } from '../support/faults/fault-client.ts';
import { carriedThrough, runViolations, startRedriveLab } from '../support/faults/redrive-lab.ts';
import type { RedriveLab } from '../support/faults/redrive-lab.ts';

/** Several steps of a run, several items of its list, and several deliveries that make the list. */
const letters = Number(process.env['LETTERS'] ?? 2_500);
/** A slow machine that others use as well runs one or two of them again in a second. */
const timeout = 300_000 + letters * 1_000;
const kills = 10;
let lab: RedriveLab;
beforeAll(async () => {
  lab = await startRedriveLab();
});
afterAll(() => {
  lab.stop();
});

it(`goes on exactly where it was, ${kills} times`, { timeout }, async () => {
  const tenant = 'many';
  await putDeadLetters(lab.clean.backend.store, letters, { tenant });
  // A run makes a call a letter and a few a step, so that these lie all over it.
  const every = Math.floor(letters / (kills + 1));
  const injector = new Injector(({ index }) => {
    if (index === 0 || index % every !== 0 || index > kills * every) return undefined;
    console.log(`killed after call ${index}`);
    return 'death after';
  });
  const id = await carriedThrough(lab, tenant, { match: {} }, injector);
  const violations = await runViolations(lab, tenant, id, letters);
  count({
    subject: 'redrive runs',
    what: 'random history',
    cases: 1,
    faults: kills,
    violations: violations.length,
  });
  expect(injector.injected).toHaveLength(kills);
  expect(firstOf(violations)).toBeUndefined();
});
