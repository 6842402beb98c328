/** How the timer's worker carries a redrive run on: what it looks at, what it sends, and what a death in between leaves. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { advance, newRun, stopped } from '../../functions/core/redrive-run.ts';
import type { RedriveRun } from '../../functions/core/redrive-run.ts';
import { redriveRun as limits } from '../../functions/runtime/delivery-limits.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { redriveListPartition, redriveListSortKey } from '../../functions/store/keys.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { readRun, readStepLetters, runItems, saveRun } from '../../functions/store/redrives/runs.ts';
import { findLetters } from '../../functions/store/redrives/search.ts';
import { dataTable } from '../../functions/store/tables.ts';
import { createRunTimer } from '../../functions/workers/run-timer.ts';
import { commandProcesses, idIn, run as runCommand } from '../support/command-processes.ts';
import type { CommandProcess } from '../support/command-processes.ts';
import { putDeadLetters, startOfYear } from '../support/dead-letters.ts';
import { silent } from '../support/outbox.ts';
import { messagesOf, rawRun, timerOfRun, workOff } from '../support/redrive-runs.ts';

const { api, clock, started, create, read } = commandProcesses();
afterEach(() => {
  vi.restoreAllMocks();
});

const store = () => api.backend.store;
const access = (): OutboxAccess => ({ client: store().client, table: store().tables.outbox, clock });
const always = (): boolean => true;

/** A run over so many dead letters, as the API leaves it. */
async function begun(
  letters: number,
  { startWith = letters, of = access(), hasTime = always } = {},
): Promise<RedriveRun> {
  await putDeadLetters(store(), letters, { tenant: api.tenant });
  const ramp = { startWith, factor: 1, stopAtFailureShare: 1 };
  const given = { id: `rdr_${ulid()}`, tenant: api.tenant, match: {}, startedBy: 'alice', now: clock.now() };
  const empty = newRun({ ...ramp, ...given });
  const { letters: found, ...part } = await findLetters(of, empty, hasTime);
  const run = advance(empty, { part }, clock.now());
  const items = runItems(store().tables, undefined, run, found).map(({ item }) => item);
  await store().client.send(new TransactWriteCommand({ TransactItems: items }));
  return run;
}
const now = async ({ id }: RedriveRun): Promise<RedriveRun> => {
  const run = await readRun(store(), api.tenant, id);
  if (run === undefined) throw new Error('it is gone');
  return run;
};
/** Carries it on when it is due. */
async function carriedOn(
  { id }: RedriveRun,
  { process = api, late = 0, log = silent }: { process?: CommandProcess; late?: number; log?: Log } = {},
) {
  const timer = await timerOfRun(api.backend, api.tenant, id);
  if (timer === undefined) throw new Error('nothing is left to do');
  const at = { now: () => timer.dueAt + late };
  clock.moveTo(timer.dueAt);
  return createRunTimer({ ...process.backend, clock: at }, log)(timer);
}
const runsOf = async (): Promise<number[]> =>
  (await messagesOf(api.backend, api.tenant)).map((item) => item.run);
const set = ({ pk, sk }: MessageItem, values: Readonly<Record<string, unknown>>) =>
  store().client.send(
    new UpdateCommand({
      ...{ TableName: store().tables.outbox, Key: { pk, sk } },
      UpdateExpression: `SET ${Object.keys(values)
        .map((name) => `#${name} = :${name}`)
        .join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(Object.keys(values).map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [`:${name}`, value]),
      ),
    }),
  );
const ended = { sent: 0, done: 0, deadAgain: 0, waiting: 0, skipped: 0 };

describe('a run that is due', () => {
  test('is carried on at its time, not before, and not for another time', async () => {
    const run = await begun(2);
    // As it was written, without what the table alone needs of it.
    expect(await now(run)).toEqual(run);
    expect(await carriedOn(run, { late: -1 })).toBe('not_due');
    expect(await runsOf()).toEqual([1, 1]);
    const consistent: unknown[] = [];
    const watched = started({
      before: ({ command, input }) => {
        if (command === 'Get' || command === 'Query')
          consistent.push((input as { readonly ConsistentRead?: boolean }).ConsistentRead);
      },
    });
    expect(await carriedOn(run, { process: watched })).toBe('done');
    // The run, and the list of its step: what another worker wrote a moment ago is there.
    expect(consistent).toEqual([true, true]);
    expect(await runsOf()).toEqual([2, 2]);
    const timer = await timerOfRun(api.backend, api.tenant, run.id);
    const carry = createRunTimer(api.backend, silent);
    if (timer) expect(await carry({ ...timer, dueAt: timer.dueAt - 1 })).toBe('not_needed');
    if (timer) expect(await carry({ ...timer, entity: `rdr_${ulid()}` })).toBe('not_needed');
    expect((await now(run)).revision).toBe(2);
  });

  test('is told apart from an entity that waits', async () => {
    const asked = { workspace: 'w', email: 'a@example.com', role: 'editor' };
    const id = idIn(await runCommand(api, create('invites', asked)));
    const dueAt = (await read(id))?.due?.at ?? 0;
    clock.moveTo(dueAt);
    const timer = { tenant: api.tenant, collection: 'invites', entity: id, transition: 'expire', dueAt };
    expect(await createRunTimer(api.backend, silent)(timer)).toBe('done');
    expect((await read(id))?.status).toBe('expired');
  });

  test('goes on with the search, and with the next step at once', async () => {
    const narrow = started({
      before: ({ command, input }) => {
        if (command === 'Query') Object.assign(input as object, { Limit: 1 });
      },
    });
    const of = { ...access(), client: narrow.backend.store.client };
    const run = await begun(20, { startWith: 10, of, hasTime: () => false });
    expect(run.isListed).toBe(false);
    expect(run.listed).toBeLessThan(20);
    for (let turns = 0; turns < 9 && !(await now(run)).isListed; turns += 1) {
      await carriedOn(run);
      await workOff(api.backend, api.tenant, () => 'done');
    }
    expect(await now(run)).toMatchObject({ listed: 20, isListed: true });
    for (let turns = 0; turns < 9 && (await runsOf()).includes(1); turns += 1) {
      await carriedOn(run);
      await workOff(api.backend, api.tenant, () => 'done');
    }
    expect((await now(run)).steps).toMatchObject([{ size: 10 }]);
    // The second step was begun and sent by the look that saw the first one end.
    expect((await now(run)).step).toMatchObject({ size: 10, sent: 0 });
    expect(await runsOf()).toEqual(Array<number>(20).fill(2));
  });

  test('holds its match until it ends', async () => {
    const run = await begun(2, { startWith: 1 });
    const another = () => begun(0, { startWith: 1 });
    await carriedOn(run);
    await putDeadLetters(store(), 1, { tenant: api.tenant, at: startOfYear + 9 });
    await expect(another()).rejects.toThrow(TransactionCanceledException);
    for (let turns = 0; turns < 9 && (await now(run)).state === 'running'; turns += 1) {
      await workOff(api.backend, api.tenant, () => 'done');
      await carriedOn(run);
    }
    expect(await rawRun(api.backend, api.tenant, run.id)).not.toHaveProperty('dueShard');
    expect((await another()).state).toBe('running');
  });

  test('says once how it ended', async () => {
    const said: unknown[] = [];
    const log: Log = { ...silent, info: (...given) => void said.push(given[1]) };
    const run = await begun(1);
    await carriedOn(run, { log });
    await workOff(api.backend, api.tenant, () => 'done');
    expect(said).toEqual([]);
    await carriedOn(run, { log });
    expect(said).toEqual([{ tenant: api.tenant, run: run.id, state: 'done', stoppedBecause: undefined }]);
  });

  test('is left to whoever wrote first', async () => {
    const run = await begun(2);
    const other = started({
      before: async ({ command }) => {
        if (command !== 'TransactWrite') return;
        const seen = await now(run);
        await saveRun(store(), seen, stopped(seen, 'bob', clock.now()));
      },
    });
    expect(await carriedOn(run, { process: other })).toBe('retry');
    expect(await now(run)).toMatchObject({ state: 'stopped', stoppedBy: 'bob' });
  });
});

describe('what was not sent', () => {
  /** A worker that dies before it has sent anything again. */
  const dying = (): CommandProcess =>
    started({
      before: ({ command }) => {
        if (command === 'Update') throw new Error('dead');
      },
    });

  test('since its worker died is sent by the next one, and stays where the run was stopped', async () => {
    const run = await begun(2);
    await expect(carriedOn(run, { process: dying() })).rejects.toThrow('dead');
    expect(await runsOf()).toEqual([1, 1]);
    const seen = await now(run);
    expect(await saveRun(store(), seen, stopped(seen, 'bob', clock.now()))).toBe(true);
    expect(await carriedOn(run)).toBe('done');
    expect(await runsOf()).toEqual([1, 1]);
    const { state, step, ended: counts } = await now(run);
    expect([state, step, counts]).toEqual(['stopped', undefined, ended]);
  });

  test('since there was no time is sent when it is looked at again', async () => {
    const run = await begun(2);
    // Whoever asks finds that all of it has gone by. Whole milliseconds, so that none is lost by rounding.
    let at = Math.ceil(performance.now());
    const elapsing = vi.spyOn(performance, 'now').mockImplementation(() => (at += limits.budgetMs));
    expect(await carriedOn(run)).toBe('done');
    expect(await runsOf()).toEqual([1, 1]);
    elapsing.mockRestore();
    expect(await carriedOn(run)).toBe('done');
    expect(await runsOf()).toEqual([2, 2]);
  });

  test('is what became of each of its messages since', async () => {
    const run = await begun(7);
    const [byHand, held, gone, again, waits, open, lost] = await messagesOf(api.backend, api.tenant);
    if (!byHand || !held || !gone || !again || !waits || !open || !lost) throw new Error('there are seven');
    // Before its turn: one is redriven by somebody, one may have acted meanwhile, one is resolved, one is not there.
    const { pk, sk } = lost;
    await store().client.send(new DeleteCommand({ TableName: access().table, Key: { pk, sk } }));
    await redriveMessage(access(), byHand);
    await set(held, { onUncertain: 'hold', unsettled: 1 });
    await set(gone, { status: 'done' });
    await carriedOn(run);
    expect(await runsOf()).toEqual([2, 1, 1, 2, 2, 2]);
    const fates = new Map([
      [again.id, 'dead'],
      [waits.id, 'waiting'],
    ] as const);
    await workOff(api.backend, api.tenant, ({ id }) => fates.get(id) ?? 'open');
    // After it: somebody redrives the one that died again.
    await redriveMessage(access(), again);
    await carriedOn(run);
    const { step } = await now(run);
    expect(step).toMatchObject({ size: 7, sent: 3, done: 0, deadAgain: 1, waiting: 1, skipped: 4 });
    await workOff(api.backend, api.tenant, () => 'done');
    await carriedOn(run);
    expect(await now(run)).toMatchObject({
      ...{ state: 'done', ended: { sent: 3, done: 1, deadAgain: 1, waiting: 1, skipped: 4 } },
    });
  });
});

describe('a write of a run', () => {
  test('ends with the time that there is, and what is no loser is a defect', async () => {
    const run = await begun(1);
    const signal = AbortSignal.abort();
    await expect(readRun(store(), api.tenant, run.id, signal)).rejects.toMatchObject({ name: 'AbortError' });
    const halted = stopped(run, 'bob', clock.now());
    await expect(saveRun(store(), run, halted, { signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(await now(run)).toEqual(run);
  });
});

describe('the list of a run', () => {
  const letters = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: `msg_${from + n}`, run: from + n + 1 }));

  test('hands out the messages of a step from the items in which they lie', async () => {
    const empty = await begun(0);
    const before: RedriveRun = { ...(await now(empty)), state: 'running' };
    const first = { ...before, listed: 3, revision: before.revision + 1 };
    expect(await saveRun(store(), before, first, { letters: letters(0, 3) })).toBe(true);
    const second = { ...first, listed: 7, revision: first.revision + 1 };
    expect(await saveRun(store(), first, second, { letters: letters(3, 4) })).toBe(true);
    // Whoever read an older one lists nothing.
    expect(await saveRun(store(), first, second, { letters: letters(3, 4) })).toBe(false);
    const step = (taken: number, size: number) =>
      readStepLetters(store(), { ...second, taken, step: { ...ended, size, startedAt: second.createdAt } });
    const { Item } = await store().client.send(
      new GetCommand({
        TableName: store().tables.data,
        Key: { pk: redriveListPartition(api.tenant, empty.id), sk: redriveListSortKey(3) },
      }),
    );
    // It goes by itself, after the messages that it names.
    expect(Item?.[dataTable.timeToLive]).toBe(
      Math.floor((Date.parse(empty.createdAt) + limits.listKeptMs) / 1000),
    );
    expect(await step(3, 3)).toEqual(letters(0, 3));
    expect(await step(5, 4)).toEqual(letters(1, 4));
    expect(await step(7, 1)).toEqual(letters(6, 1));
    expect(await step(7, 7)).toEqual(letters(0, 7));
  });

  test('is no longer searched for where the run was stopped', async () => {
    const run = await begun(2, { startWith: 1 });
    const seen = await now(run);
    const unlisted = { ...stopped(seen, 'bob', clock.now()), isListed: false };
    expect(await saveRun(store(), seen, unlisted)).toBe(true);
    await carriedOn(run);
    expect(await now(run)).toMatchObject({ listed: 2, isListed: false, state: 'stopped' });
  });
});
