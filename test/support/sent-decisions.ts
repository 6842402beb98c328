/**
 * Decisions that are sent to the tables of a test file, and what is found there afterwards. Each test has a tenant of its own,
 * with nothing in it.
 */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, inject } from 'vitest';
import type { Decision } from '../../functions/core/decision.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { readEntity } from '../../functions/store/entities/reads.ts';
import { entityKey } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import type { Store } from '../../functions/store/store.ts';
import { commit } from '../../functions/store/transaction/commit.ts';
import type { CommitOutcome } from '../../functions/store/transaction/commit.ts';
import type { IdempotencyItem } from '../../functions/store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../../functions/store/transaction/labelled-item.ts';
import { recordGuard, transactionItems } from '../../functions/store/transaction/transaction-items.ts';
import { createTables, deleteTables } from './dynamodb.ts';
import { creating, given, startedAt } from './given.ts';
import type { Given, Step } from './given.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { loans } from './toy-domain.ts';

export const article = { slug: 'hello', title: 'Hello, world', body: 'It works.' };
export const invite = { workspace: 'press', email: 'ada@example.com', role: 'editor' };
export const showing = { title: 'Evening show', capacity: 2, seats: ['A1', 'A2'] };
export const showingId = 'shw_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
export const articleId = 'art_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
export const order = { showingId, places: 1, customer: 'ada', amount: 9, currency: 'EUR' };
export const refusal = { code: '402', reason: 'The receiver answered 402.' };
export const loan = { book: 'Momo', member: 'alice', article: articleId };
export const earn = { input: { amount: 5, reason: 'x' } };

const registry = registerDomains([...domains, loans]);
const of = (collection: string): Domain => registry.byCollection(collection);
const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});
export const anotherClient = (): Store['client'] => createDocumentClient({ ...database(), maxAttempts: 1 });
/** There is time. */
export const { signal } = new AbortController();

/** How a decision is sent, where that is not as usual. */
export interface Sending {
  readonly key?: string;
  /** Epoch ms. */
  readonly at?: number;
  readonly lockToken?: string;
  readonly meetings?: number;
  readonly through?: Store;
}

/** An entity, the decision that creates it, and those that may follow. */
export interface Begun extends Given {
  readonly creation: Decision;
  readonly id: string;
}
/** An entity as a decision has it; nothing is written yet. */
export function begun(collection: string, input: Record<string, unknown>, step?: Step): Begun {
  const creation = creating(registry, of(collection), input, step).decision();
  return {
    ...given(registry, of(collection), input, step),
    creation,
    id: creation.entities[0].after.id,
  };
}

/** The same creation with another id. */
export function another(decision: Decision): Decision {
  const [change] = decision.entities;
  const id = change.after.id.replace('2HC', '2HD');
  const after = { ...change.after, id };
  const taken = change.taken.map((hold) => ({ ...hold, entity: id }));
  return { ...decision, entities: [{ ...change, after, taken }], messages: [] };
}

/** Tables for the file that calls this. */
export function sentDecisions() {
  let creator: DynamoDBClient;
  let store: Store;
  let tenant: string;
  beforeAll(async () => {
    creator = new DynamoDBClient(database());
    store = { client: anotherClient(), tables: await createTables(creator, `commit-${randomUUID()}`) };
  });
  afterAll(async () => {
    await deleteTables(creator, store.tables);
    creator.destroy();
  });
  beforeEach(() => {
    tenant = `tenant ${randomUUID()}`;
  });
  /** Where the test is. */
  const at = {
    get store(): Store {
      return store;
    },
    get tenant(): string {
      return tenant;
    },
    /** Goes on in another tenant, where nothing is. */
    moveOn(): void {
      tenant = `${tenant} `;
    },
  };

  const recordUnder = (key: string): IdempotencyItem => ({
    pk: `${tenant}#${key}`,
    payloadHash: 'hash',
    expiresAt: startedAt / 1000 + 60,
    answer: { status: 200 },
    requestId: 'first',
  });
  const itemsOf = (decision: Decision, { at = startedAt, meetings = 0, lockToken }: Sending = {}) =>
    transactionItems(
      store.tables,
      { tenant, now: at, meetings, requestId: 'first', traceparent: 'trace', lockToken },
      decision,
    );
  const guard = ({ key = randomUUID(), at = startedAt }: Sending = {}): LabelledItem =>
    recordGuard(store.tables.idempotency, recordUnder(key), at);
  const send = (decision: Decision, sending: Sending = {}): Promise<CommitOutcome> =>
    commit(sending.through ?? store, [guard(sending), ...itemsOf(decision, sending)], signal);
  async function done(decision: Decision, sending?: Sending): Promise<Decision> {
    expect(await send(decision, sending)).toEqual({ kind: 'committed' });
    return decision;
  }

  const read = (id: string): Promise<EntityState | undefined> => readEntity(store, tenant, id, signal);
  async function item(key: ItemKey): Promise<Record<string, unknown> | undefined> {
    const { data } = store.tables;
    const command = new GetCommand({ TableName: data, Key: { ...key }, ConsistentRead: true });
    return (await store.client.send(command)).Item;
  }
  /** Behind the backend's back. */
  const put = (key: ItemKey, more: object): Promise<unknown> =>
    store.client.send(new PutCommand({ TableName: store.tables.data, Item: { ...key, ...more } }));
  const tamper = (
    id: string,
    update: string,
    values?: Record<string, unknown>,
    names?: Record<string, string>,
  ): Promise<unknown> =>
    store.client.send(
      new UpdateCommand({
        TableName: store.tables.data,
        Key: { ...entityKey(tenant, id) },
        UpdateExpression: update,
        ExpressionAttributeValues: values,
        ExpressionAttributeNames: names,
      }),
    );
  async function created(collection: string, input: Record<string, unknown>, step?: Step): Promise<Begun> {
    const one = begun(collection, input, step);
    await done(one.creation);
    return one;
  }

  return { at, recordUnder, itemsOf, guard, send, done, read, item, put, tamper, created };
}
