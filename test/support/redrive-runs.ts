/** Redrive runs as the timer's worker carries them on, and receivers that answer what they sent. */
import { GetCommand, paginateQuery, ScanCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import type { Backend } from '../../functions/commands/backend.ts';
import type { RedriveRun } from '../../functions/core/redrive-run.ts';
import { timerOf } from '../../functions/outbox/timer-stream.ts';
import type { TimerReference } from '../../functions/outbox/queue-messages.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { putAll, readByKey } from '../../functions/store/batches.ts';
import { redriveKey } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import {
  groupPartitions,
  indexedAs,
  indexOf,
  type MessageItem,
} from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { claimMessage, recordDead, recordWaiting } from '../../functions/store/outbox/messages.ts';
import { createRunTimer } from '../../functions/workers/run-timer.ts';
import { silent } from './outbox.ts';
import type { TestClock } from './test-clock.ts';

/** What becomes of a message that was run again. */
export type Fate = 'done' | 'dead' | 'waiting' | 'open';

export type RawRun = RedriveRun & Readonly<Record<string, unknown>>;

export async function rawRun({ store }: Pick<Backend, 'store'>, tenant: string, id: string): Promise<RawRun> {
  const { Item } = await store.client.send(
    new GetCommand({
      TableName: store.tables.data,
      Key: { ...redriveKey(tenant, id) },
      ConsistentRead: true,
    }),
  );
  if (Item === undefined) throw new Error(`no run ${id}`);
  return Item as RawRun;
}

/** The timer that a run waits for, as the stream and the sweeper read it; none where nothing is left to do. */
export const timerOfRun = async (
  backend: Pick<Backend, 'store'>,
  tenant: string,
  id: string,
): Promise<TimerReference | undefined> => timerOf(await rawRun(backend, tenant, id));

const outboxOf = ({ store, clock }: Pick<Backend, 'store' | 'clock'>): OutboxAccess => ({
  client: store.client,
  table: store.tables.outbox,
  clock,
});

/** A tenant's messages, in the order in which they were created. */
export async function messagesOf({ store }: Pick<Backend, 'store'>, tenant: string): Promise<MessageItem[]> {
  const items: MessageItem[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new ScanCommand({
        TableName: store.tables.outbox,
        FilterExpression: 'tenant = :tenant AND attribute_exists(id)',
        ExpressionAttributeValues: { ':tenant': tenant },
        ConsistentRead: true,
        ExclusiveStartKey: from,
      }),
    );
    items.push(...((page.Items ?? []) as MessageItem[]));
    from = page.LastEvaluatedKey;
  } while (from);
  return items.sort((one, other) => (one.stateSk < other.stateSk ? -1 : 1));
}

/** Those that were run again, found by their index: to look through all messages would take longer with each that ends. */
async function pendingOf({ store }: Pick<Backend, 'store'>, tenant: string): Promise<readonly MessageItem[]> {
  const { client, tables } = store;
  const { name, partitionKey } = indexOf('open');
  const keys: ItemKey[] = [];
  for (const partition of groupPartitions(tenant, 'open')) {
    const pages = paginateQuery(
      { client },
      {
        TableName: tables.outbox,
        IndexName: name,
        KeyConditionExpression: `${partitionKey} = :partition`,
        ExpressionAttributeValues: { ':partition': partition },
      },
    );
    for await (const { Items = [] } of pages) keys.push(...(Items as ItemKey[]));
  }
  const items = await readByKey<MessageItem>(client, tables.outbox, keys);
  return items
    .filter(({ status }) => status === 'pending')
    .sort((one, other) => (one.stateSk < other.stateSk ? -1 : 1));
}

/** Leaves all that was run again as done, many at once: for runs of so many that workers would take hours. */
export async function endPending(backend: Pick<Backend, 'store' | 'clock'>, tenant: string): Promise<void> {
  const { client, tables } = backend.store;
  const doneAt = timestamp(backend.clock.now());
  const ended = (await pendingOf(backend, tenant)).map(({ openPk: _left, ...item }) => ({
    ...item,
    ...indexedAs(item, 'done'),
    status: 'done',
    attempts: 1,
    doneAt,
  }));
  await putAll(client, tables.outbox, ended);
}

/** Works off what was run again, as relay and workers do. */
export async function workOff(
  backend: Pick<Backend, 'store' | 'clock'>,
  tenant: string,
  fateOf: (item: MessageItem) => Fate,
): Promise<void> {
  const outbox = outboxOf(backend);
  await pMap(
    await pendingOf(backend, tenant),
    async (item) => {
      const fate = fateOf(item);
      if (fate === 'open') return;
      const delivered = { run: item.run, copy: 'copy', sqsMessageId: 'one', wasDeadLetter: false };
      const claim = await claimMessage(outbox, { ...item, ...delivered }, { attempts: 5, leaseMs: 1_000 });
      if (claim.kind !== 'claimed') throw new Error(`${item.id} is ${claim.kind}`);
      const at = timestamp(backend.clock.now());
      if (fate === 'waiting') {
        await recordWaiting(outbox, claim, { calls: [], until: backend.clock.now() + 60_000 });
      } else if (fate === 'done') {
        const answer = { outcome: 'done', by: `receiver:${item.topic}`, at, result: '{}' } as const;
        await takeAnswer(outbox, claim.item, { answer, calls: [], from: 'worker' });
      } else {
        const lastError = { code: '503', reason: 'The receiver answered 503.', at };
        await recordDead(outbox, claim, { lastError, calls: [], delivered, isCertain: true });
      }
    },
    { concurrency: 4 },
  );
}

/** Carries a run on once, when it is due. @returns what the timer's worker was told; nothing where it is not due any more */
export async function carryOn(
  backend: Backend,
  clock: TestClock,
  tenant: string,
  id: string,
): Promise<string | undefined> {
  const timer = await timerOfRun(backend, tenant, id);
  if (timer === undefined) return undefined;
  if (clock.now() < timer.dueAt) clock.moveTo(timer.dueAt);
  return createRunTimer(backend, silent)(timer);
}

/** Carries a run on until nothing is left to do. */
export async function carryToEnd(
  backend: Backend,
  clock: TestClock,
  tenant: string,
  id: string,
  fateOf: (item: MessageItem) => Fate = () => 'done',
): Promise<void> {
  for (let turns = 0; turns < 500; turns += 1) {
    if ((await carryOn(backend, clock, tenant, id)) === undefined) return;
    await workOff(backend, tenant, fateOf);
  }
  throw new Error('the run never ends');
}
