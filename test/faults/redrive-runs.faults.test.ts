/** A redrive run (G17): killed at every call of its beginning and of each of its steps, and carried on by two at once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { createRunTimer } from '../../functions/workers/run-timer.ts';
import { idOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { putDeadLetters } from '../support/dead-letters.ts';
import { firstOf } from '../support/faults/checker.ts';
import type { Violation } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { faultsAt, faultsOf, Injector, injectFaults, life } from '../support/faults/fault-client.ts';
import type { Life } from '../support/faults/fault-client.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { condition, writes } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { silent } from '../support/outbox.ts';
import { carryToEnd, messagesOf, timerOfRun, workOff } from '../support/redrive-runs.ts';
import { intercept } from '../support/sdk-faults.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock();
let clean: TestBackend;
const opened: TestBackend[] = [];
beforeAll(async () => {
  clean = await startBackend({ clock });
});
afterAll(() => {
  for (const { backend } of opened) backend.store.client.destroy();
});

/** A process of its own, of one call of the client a try. */
async function start(prepare: (client: unknown) => void): Promise<TestBackend> {
  const made = await startBackend({ clock, tables: clean.tables, client: { maxAttempts: 1 }, prepare });
  opened.push(made);
  return made;
}

/** Steps of one and of two. */
const letters = 3;
const body = { match: {}, startWith: 1, factor: 2 };

/** What a caller and the timer's queue do: whatever fails is asked for again, of a new process where one has died. */
async function carriedThrough(tenant: string, injector: Injector): Promise<string> {
  let alive: Life = life();
  const born = (): Promise<TestBackend> => {
    alive = life();
    return start((client) => {
      injectFaults(client, injector, alive);
    });
  };
  let api = await born();
  const tried = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const end = await Promise.race([work().catch(() => undefined), alive.died]);
    if (end !== 'died') return end as T | undefined;
    api = await born();
    return undefined;
  };
  const key = randomUUID();
  let id: string | undefined;
  while (id === undefined) {
    const begun = await tried(() => api.post('/v1/redrives', body, { tenant, key }));
    if (begun?.status === 202) id = idOf(begun);
  }
  for (let turns = 0; turns < 40; turns += 1) {
    const timer = await timerOfRun(clean.backend, tenant, id);
    if (timer === undefined) break;
    if (clock.now() < timer.dueAt) clock.moveTo(timer.dueAt);
    await tried(() => createRunTimer(api.backend, silent)(timer));
    await workOff(clean.backend, tenant, () => 'done');
  }
  return id;
}

const violation = (what: string, tenant: string): Violation => ({ guarantee: 'G17', what, tenant });

/** Each letter was run again once, and the run says so. */
async function violationsOf(tenant: string, id: string): Promise<readonly Violation[]> {
  const messages = await messagesOf(clean.backend, tenant);
  const odd = messages.filter(({ run, status }) => run !== 2 || status !== 'done');
  const { json } = await clean.get(`/v1/redrives/${id}`, { tenant });
  const expected = {
    state: 'done',
    matched: letters,
    sent: letters,
    done: letters,
    deadAgain: 0,
    skipped: 0,
  };
  const told = Object.fromEntries(Object.keys(expected).map((name) => [name, json[name]]));
  const runs = (await clean.get('/v1/redrives', { tenant })).json['items'] as unknown[];
  return [
    ...odd.map((item: MessageItem) => violation(`${item.id} is ${item.status} in run ${item.run}`, tenant)),
    ...(JSON.stringify(told) === JSON.stringify(expected) ? [] : [violation(JSON.stringify(told), tenant)]),
    ...(runs.length === 1 ? [] : [violation(`there are ${runs.length} runs`, tenant)]),
  ];
}

test('killed, or failing, at every call goes on exactly where it was', async () => {
  const faultless = new Injector();
  await putDeadLetters(clean.backend.store, letters, { tenant: 'no fault' });
  const found = [...(await violationsOf('no fault', await carriedThrough('no fault', faultless)))];
  expect(faultless.attempts.length).toBeGreaterThan(20);
  let [cases, faults] = [0, 0];
  for (const [index, command] of faultless.attempts.entries()) {
    // To have died before a call leaves what it left to have died after the one before.
    const kinds = isFullScope ? faultsOf(command) : (['death after'] as const);
    for (const fault of kinds) {
      const tenant = `${fault} at call ${index} (${command})`;
      await putDeadLetters(clean.backend.store, letters, { tenant });
      const injector = new Injector(faultsAt({ [index]: fault }));
      found.push(...(await violationsOf(tenant, await carriedThrough(tenant, injector))));
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
    return violationsOf(tenant, id);
  },
  {
    'a run does not ask whether its message has a newer run': writes('UpdateItemCommand', (input) =>
      String(input['UpdateExpression']).includes('#redrivenBy')
        ? condition(input, 'attribute_exists(pk)')
        : input,
    ),
  },
);
