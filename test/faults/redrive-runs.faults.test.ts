/** A redrive run (G17): killed at every call of its beginning and of each of its steps, and carried on by two at once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRunTimer } from '../../functions/workers/run-timer.ts';
import { idOf } from '../support/answers.ts';
import { putDeadLetters } from '../support/dead-letters.ts';
import { firstOf } from '../support/faults/checker.ts';
import type { Violation } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { faultsAt, faultsOf, Injector } from '../support/faults/fault-client.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { calls, condition } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { carriedThrough, runViolations, startRedriveLab } from '../support/faults/redrive-lab.ts';
import type { RedriveLab } from '../support/faults/redrive-lab.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { silent } from '../support/outbox.ts';
import { carryToEnd, timerOfRun, workOff } from '../support/redrive-runs.ts';
import { intercept } from '../support/sdk-faults.ts';

let lab: RedriveLab;
beforeAll(async () => {
  lab = await startRedriveLab();
});
afterAll(() => {
  lab.stop();
});

/** Steps of one and of two. */
const letters = 3;
const body = { match: {}, startWith: 1, factor: 2 };

async function through(tenant: string, injector: Injector): Promise<readonly Violation[]> {
  await putDeadLetters(lab.clean.backend.store, letters, { tenant });
  return runViolations(lab, tenant, await carriedThrough(lab, tenant, body, injector), letters);
}

test('killed, or failing, at every call goes on exactly where it was', async () => {
  const faultless = new Injector();
  const found = [...(await through('no fault', faultless))];
  expect(faultless.attempts.length).toBeGreaterThan(letters);
  let [cases, faults] = [0, 0];
  for (const [index, command] of faultless.attempts.entries()) {
    // To have died before a call leaves what it left to have died after the one before.
    const kinds = isFullScope ? faultsOf(command) : (['death after'] as const);
    for (const fault of kinds) {
      const tenant = `${fault} at call ${index} (${command})`;
      const injector = new Injector(faultsAt({ [index]: fault }));
      found.push(...(await through(tenant, injector)));
      [cases, faults] = [cases + 1, faults + injector.injected.length];
    }
  }
  count({ subject: 'redrive runs', what: 'single fault', cases, faults, violations: found.length });
  expect(firstOf(found)).toBeUndefined();
  expect(faults).toBe(cases);
});

guarantee(
  'G17 a run takes each message once',
  async (mutate?: Mutate) => {
    const { clean, clock, start } = lab;
    const tenant = randomUUID();
    await putDeadLetters(clean.backend.store, letters, { tenant });
    const id = idOf(await clean.post('/v1/redrives', { match: {}, startWith: letters }, { tenant }));
    // A worker has found out what is to be sent and is held up. Another one sends all of it meanwhile.
    let goOn = (): void => undefined;
    const heldUp = new Promise<void>((resolve) => (goOn = resolve));
    let atItsSends = (): void => undefined;
    const ready = new Promise<void>((resolve) => (atItsSends = resolve));
    const slow = await start((client) => {
      mutate?.(client);
      intercept(client, {
        before: async ({ command }) => {
          if (command !== 'UpdateItemCommand') return;
          atItsSends();
          await heldUp;
        },
      });
    });
    const timer = await timerOfRun(clean.backend, tenant, id);
    if (timer === undefined) throw new Error('the run is not due');
    clock.moveTo(timer.dueAt);
    const late = createRunTimer(slow.backend, silent)(timer);
    await ready;
    await carryToEnd(clean.backend, clock, tenant, id);
    goOn();
    await late;
    await workOff(clean.backend, tenant, () => 'done');
    return runViolations(lab, tenant, id, letters);
  },
  {
    'a run does not ask whether its message has a newer run': calls('UpdateItemCommand', (input) =>
      String(input['UpdateExpression']).includes('#redrivenBy')
        ? condition(input, 'attribute_exists(pk)')
        : input,
    ),
  },
);
