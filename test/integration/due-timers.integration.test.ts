/** Which entities are due in a range of time, in what order, and at what price. */
import { DeleteCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { dueShardOf, dueShards, shardOf } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import {
  readDueKeys,
  readPosition,
  readWaiting,
  writePosition,
} from '../../functions/store/outbox/due-timers.ts';
import type { DueKey, DueKeys } from '../../functions/store/outbox/due-timers.ts';
import { startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
let asked: string[];
beforeAll(async () => {
  outbox = await startOutbox();
  intercept(outbox.client, { before: ({ command }) => void asked.push(command) });
});
afterAll(() => outbox.stop());
beforeEach(() => {
  asked = [];
});
afterEach(async () => {
  const TableName = outbox.tables.data;
  const { Items = [] } = await outbox.client.send(new ScanCommand({ TableName }));
  for (const { pk, sk } of Items as ItemKey[])
    await outbox.client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
});

/** An entity that waits. @param shard where that matters */
async function put(dueAt: number, shard?: number): Promise<void> {
  let id = `rsv_${ulid()}`;
  while (shard !== undefined && shardOf(id, dueShards) !== shard) id = `rsv_${ulid()}`;
  const Item = { pk: `acme#${id}`, sk: 'entity', dueAt, dueShard: dueShardOf(id), timerTransition: 'expire' };
  await outbox.client.send(new PutCommand({ TableName: outbox.tables.data, Item }));
}
const range = { from: 10, until: 30 };
const read = (maxPerShard: number, few?: number): Promise<DueKeys> =>
  readDueKeys(outbox.client, outbox.tables.data, range, maxPerShard, few);
const found = async (maxPerShard: number, few?: number) => {
  const { keys, until } = await read(maxPerShard, few);
  return { dueAt: keys.map(({ dueAt }) => dueAt), until };
};
const times = [17, 30, 12, 26, 10, 21, 14, 29, 19, 23];

test('few of them are told of by one request, those that wait longest first', async () => {
  for (const dueAt of [9, 31, ...times]) await put(dueAt);
  asked = [];
  expect(await found(64)).toEqual({ dueAt: times.toSorted((one, other) => one - other), until: 30 });
  expect(asked).toEqual(['ScanCommand']);
});

test('of more than one request tells of each shard is asked, in the same order', async () => {
  for (const dueAt of [9, 31, ...times]) await put(dueAt);
  asked = [];
  expect(await found(64, 11)).toEqual({ dueAt: times.toSorted((one, other) => one - other), until: 30 });
  expect(asked.filter((command) => command === 'ScanCommand')).toHaveLength(1);
  expect(asked.filter((command) => command === 'QueryCommand')).toHaveLength(dueShards);
});

test('nothing after a moment that one answer of a shard may not tell all of is told', async () => {
  for (const dueAt of [11, 12, 13, 14]) await put(dueAt, 0);
  for (const dueAt of [11, 12, 25]) await put(dueAt, 1);
  expect(await found(3, 1)).toEqual({ dueAt: [11, 11, 12, 12], until: 12 });
});

test('all of one moment are told of, however many they are', async () => {
  for (const dueAt of [12, 12, 12, 12, 12, 20, 21]) await put(dueAt, 0);
  expect(await found(2, 1)).toEqual({ dueAt: [12, 12, 12, 12, 12], until: 19 });
});

test('what waits is read as it is now', async () => {
  await put(12);
  const { keys } = await read(64);
  expect(await readWaiting(outbox.client, outbox.tables.data, keys)).toEqual([
    expect.objectContaining({ pk: keys[0]?.pk, timerTransition: 'expire' }),
  ]);
  const gone: DueKey = { pk: 'acme#rsv', sk: 'entity', dueAt: 12 };
  expect(await readWaiting(outbox.client, outbox.tables.data, [gone])).toEqual([]);
});

test('how far the sweeps came is noted, and is nowhere before the first one', async () => {
  const table = outbox.tables.outbox;
  expect(await readPosition(outbox.client, table)).toEqual({ sweptUntil: 0 });
  const position = { sweptUntil: 5, open: { at: 9, from: 7 } };
  await writePosition(outbox.client, table, position);
  expect(await readPosition(outbox.client, table)).toEqual(position);
});
