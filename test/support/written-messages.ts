/** Messages on the tables of a test file, in the states that the store's own writes leave them in. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, inject } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import type { TableNames } from '../../functions/store/store.ts';
import type { AnswerNews } from '../../functions/store/outbox/kept-answers.ts';
import { groupPartitionOf } from '../../functions/store/outbox/message-items.ts';
import type { CallRecord } from '../../functions/store/outbox/call-records.ts';
import type {
  Answer,
  MessageGroup,
  MessageItem,
  NewMessage,
} from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { claimMessage, readMessage, recordDead } from '../../functions/store/outbox/messages.ts';
import type { Claim, DeadEnd } from '../../functions/store/outbox/messages.ts';
import { createTables, deleteTables } from './dynamodb.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { deliveryOf, madeMessage } from './messages.ts';

const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});
/** Stands still until a test moves it on. */
export const time = {
  /** Epoch milliseconds. */
  now: Date.parse('2026-11-26T12:00:00.000Z'),
};
/** Of each claim. */
export const terms = { attempts: 2, leaseMs: 1_000 };
/** A claim that was given. */
export type Held = Extract<Claim, { readonly token: string }>;
/** A token of a lease that another worker has by now. */
export const late = (item: MessageItem) => ({ item, token: 'of another worker' });
export const error = { code: '500', reason: 'It answered 500.', at: timestamp(time.now) };
export const call: CallRecord = {
  kind: 'call',
  run: 1,
  attempt: 1,
  at: timestamp(time.now),
  code: '500',
  reason: 'It answered 500.',
  certain: false,
};
/** How the last attempt ended. */
export const end = (item: MessageItem, more: Partial<DeadEnd> = {}): DeadEnd => ({
  lastError: error,
  calls: [call],
  delivered: deliveryOf(item),
  isCertain: false,
  ...more,
});
export const said = (outcome: 'done' | 'refused', more: Partial<Answer> = {}) =>
  ({
    outcome,
    by: 'receiver:external-call',
    at: timestamp(time.now),
    ...(outcome === 'done' ? { result: '{"ok":true}' } : { refused: { code: '402', reason: 'No.' } }),
    ...more,
  }) as AnswerNews['answer'];
export const gaveUp: Answer = {
  outcome: 'dead',
  by: 'receiver:external-call',
  at: timestamp(time.now),
  lastError: error,
};
export const standsIn = (item: MessageItem, group: MessageGroup): Partial<MessageItem> =>
  group === 'open' || group === 'waiting'
    ? { openPk: groupPartitionOf(item, group) }
    : { closedPk: groupPartitionOf(item, group) };
/** The indexes that it stands in. */
export const indexesOf = (item: MessageItem): string[] =>
  ['openPk', 'closedPk'].filter((name) => name in item);
/** No message has such an id. */
export const nameless = {
  tenant: 'acme',
  id: 'msg_1',
  run: 1,
  copy: 'c',
  sqsMessageId: 'one',
  wasDeadLetter: false,
};
export const answers = { done: 'captured', refused: 'decline', dead: 'given-up' };

/** Tables for the file that calls this. */
export function writtenMessages() {
  let creator: DynamoDBClient;
  let tables: TableNames;
  let client: OutboxAccess['client'];
  beforeAll(async () => {
    creator = new DynamoDBClient(database());
    tables = await createTables(creator, `life-${randomUUID()}`);
    client = createDocumentClient(database());
  });
  afterAll(async () => {
    await deleteTables(creator, tables);
    creator.destroy();
  });
  const access: OutboxAccess = {
    get client() {
      return client;
    },
    get table() {
      return tables.outbox;
    },
    clock: { now: () => time.now },
  };
  /** By a client that a test adds middleware to. */
  const another = (): OutboxAccess => ({ ...access, client: createDocumentClient(database()) });

  const made = (message?: Partial<NewMessage>): MessageItem =>
    madeMessage(time.now, { payload: {}, ...message });
  async function put(
    message: Partial<NewMessage> = {},
    more: Partial<MessageItem> = {},
  ): Promise<MessageItem> {
    const item = { ...made(message), ...more };
    await access.client.send(new PutCommand({ TableName: access.table, Item: item }));
    return item;
  }
  async function read(item: MessageItem): Promise<MessageItem> {
    const found = await readMessage(access, item);
    if (found === undefined) throw new Error('it is gone');
    return found;
  }
  const claim = (item: MessageItem): Promise<Claim> => claimMessage(access, deliveryOf(item), terms);
  async function held(item: MessageItem): Promise<Held> {
    const claimed = await claim(item);
    if (!('token' in claimed)) throw new Error(`it is ${claimed.kind}`);
    return claimed;
  }
  async function died(message: Partial<NewMessage> = {}, more: Partial<DeadEnd> = {}): Promise<MessageItem> {
    const item = await put(message);
    await recordDead(access, await held(item), end(item, more));
    return read(item);
  }

  return { access, another, made, put, read, claim, held, died };
}
