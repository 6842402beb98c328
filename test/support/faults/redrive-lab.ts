/** Redrive runs in processes that may die, and what must be true of a run in the end. */
import { randomUUID } from 'node:crypto';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { createRunTimer } from '../../../functions/workers/run-timer.ts';
import { idOf } from '../answers.ts';
import { startBackend } from '../backend.ts';
import type { TestBackend } from '../backend.ts';
import { silent } from '../outbox.ts';
import { endPending, messagesOf, timerOfRun } from '../redrive-runs.ts';
import { createTestClock } from '../test-clock.ts';
import type { TestClock } from '../test-clock.ts';
import type { Violation } from './checker.ts';
import { injectFaults, life } from './fault-client.ts';
import type { Injector, Life } from './fault-client.ts';

export interface RedriveLab {
  readonly clean: TestBackend;
  readonly clock: TestClock;
  /** A process of its own, of one call of the client a try. */
  readonly start: (prepare: (client: unknown) => void) => Promise<TestBackend>;
  readonly stop: () => void;
}

export async function startRedriveLab(): Promise<RedriveLab> {
  const clock = createTestClock();
  // It works off thousands of messages beside the processes that die; a busy machine keeps it waiting for seconds.
  const clean = await startBackend({ clock, client: { requestHandler: { requestTimeout: 30_000 } } });
  const opened: TestBackend[] = [];
  return {
    clean,
    clock,
    start: async (prepare) => {
      const made = await startBackend({ clock, tables: clean.tables, client: { maxAttempts: 1 }, prepare });
      opened.push(made);
      return made;
    },
    stop: () => {
      for (const { backend } of [clean, ...opened]) backend.store.client.destroy();
    },
  };
}

/** Far more than a run of 50,000 takes where a busy machine cuts each of its steps short ten times. */
const turnsMax = 1_000;

/**
 * What a caller and the timer's queue do: whatever fails is asked for again, of a new process where one has died.
 * @returns the id of the run
 */
export async function carriedThrough(
  { clean, clock, start }: RedriveLab,
  tenant: string,
  body: object,
  injector: Injector,
): Promise<string> {
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
    if (end !== 'died') return end;
    api = await born();
    return undefined;
  };
  const key = randomUUID();
  let id: string | undefined;
  while (id === undefined) {
    const begun = await tried(() => api.post('/v1/redrives', body, { tenant, key }));
    if (begun?.status === 202) id = idOf(begun);
  }
  for (let turns = 0; turns < turnsMax; turns += 1) {
    const timer = await timerOfRun(clean.backend, tenant, id);
    if (timer === undefined) break;
    if (clock.now() < timer.dueAt) clock.moveTo(timer.dueAt);
    await tried(() => createRunTimer(api.backend, silent)(timer));
    await endPending(clean.backend, tenant);
  }
  return id;
}

const violation = (what: string, tenant: string): Violation => ({ guarantee: 'G17', what, tenant });

/** Each letter was run again once, and the one run there is says so. */
export async function runViolations(
  { clean }: RedriveLab,
  tenant: string,
  id: string,
  letters: number,
): Promise<readonly Violation[]> {
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
