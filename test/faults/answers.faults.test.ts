/**
 * G18 and G19 under single faults: answers are lost and workers die at every call to AWS. With `inquire` and with `hold`
 * the receiver ignores the idempotency key; with `retry` it honours it. It acts once for each message, every answer moves
 * its entity once, and the two agree. Broken builds are in `answer-guarantees.faults.test.ts`.
 */
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answeredCalls,
  casesAtOnce,
  eventTimeoutMs,
  startAnswerLab,
  uncertainWords,
} from '../support/faults/answer-lab.ts';
import type { AnswerLab, UncertainWord } from '../support/faults/answer-lab.ts';
import { count } from '../support/faults/counts.ts';
import { faultsAt, faultsOf, Injector } from '../support/faults/fault-client.ts';
import { progress } from '../support/faults/progress.ts';
import { socketEvents } from '../support/faults/provider.ts';
import { isFullScope } from '../support/faults/scope.ts';

let lab: AnswerLab;
beforeAll(async () => {
  lab = await startAnswerLab();
});
afterAll(() => lab.stop());

/**
 * `npm run test:all` brings every fault to every call. Otherwise each shape of call has its faults once, since the worker
 * is the same for all that is called.
 */
const shapesTried = new Set<string>();
function isTaken(uncertain: UncertainWord, shape = ''): boolean {
  const before = shapesTried.size;
  return isFullScope || shapesTried.add(`${uncertain} ${shape}`).size > before;
}

describe.each(uncertainWords)('%s', (uncertain) => {
  describe.each(answeredCalls)('%s', (call) => {
    test.each(socketEvents)(
      '%s, under every fault at every call to AWS',
      { timeout: eventTimeoutMs },
      async (event) => {
        const run = (injector: Injector) => lab.firstViolation({ call, event, uncertain }, injector);
        const clean = new Injector();
        expect(await run(clean)).toBeUndefined();
        const plans = clean.attempts.flatMap((command, index) =>
          isTaken(uncertain, clean.shapes[index])
            ? faultsOf(command).map((fault) => ({ what: `${fault} at ${command} (${index})`, index, fault }))
            : [],
        );
        const tell = progress(`${uncertain}: ${call}, ${event}`, plans.length);
        const wrong = await pMap(
          plans,
          async ({ what, index, fault }) => {
            const violation = await run(new Injector(faultsAt({ [index]: fault })));
            tell();
            return { what, violation };
          },
          { concurrency: casesAtOnce },
        );
        count({
          subject: `answer to ${call}`,
          what: 'single fault',
          cases: plans.length + 1,
          faults: plans.length,
          violations: wrong.filter(({ violation }) => violation !== undefined).length,
        });
        expect(wrong.filter(({ violation }) => violation !== undefined)).toEqual([]);
      },
    );
  });
});
