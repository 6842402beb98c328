/** A tenant of its own on real tables, what its audit finds, and ways to change its data behind the API. */
import { randomUUID } from 'node:crypto';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Audit, AuditProblem } from '../../functions/api/audit.ts';
import type { Store } from '../../functions/store/store.ts';
import { readByKey } from '../../functions/store/batches.ts';
import { balanceKeys, entryKey } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import { answerAll } from './answering.ts';
import type { Reply, RequestOptions, TestBackend } from './backend.ts';

export interface Audited {
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  readonly problems: readonly AuditProblem[];
  readonly pages: number;
}

/** Follows the cursor to the end. */
export async function auditWhole(audit: Audit, tenant: string): Promise<Audited> {
  const problems: AuditProblem[] = [];
  let [checkedEntities, checkedEntries, pages] = [0, 0, 0];
  let cursor: string | undefined;
  do {
    const page = await audit(tenant, cursor);
    checkedEntities += page.checkedEntities;
    checkedEntries += page.checkedEntries;
    problems.push(...page.problems);
    pages += 1;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { checkedEntities, checkedEntries, problems, pages };
}

/** `code` and place of a problem: the text behind the code is for people. */
export type Located = readonly [code: string, entity: string | undefined, seq?: number];

export const located = (problems: readonly AuditProblem[]): Located[] =>
  problems.map(({ problem, entity, seq }): Located => {
    const code = problem.split(':')[0] ?? '';
    return seq === undefined ? [code, entity] : [code, entity, seq];
  });

export type Item = Record<string, unknown>;

export const payment = { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' };

export class Tampered {
  readonly tenant = `tenant ${randomUUID()}`;
  readonly api: TestBackend;
  readonly #store: Store;

  constructor(api: TestBackend) {
    this.api = api;
    this.#store = api.backend.store;
  }

  /** @returns the id; throws unless it was created */
  async create(collection: string, body: unknown): Promise<string> {
    const reply = await this.post(`/v1/${collection}`, body);
    return String(reply.json['id']);
  }

  async post(path: string, body?: unknown, options: RequestOptions = {}): Promise<Reply> {
    const reply = await this.api.post(path, body, { tenant: this.tenant, ...options });
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
    return reply;
  }

  /** A payment with four entries: created, confirmed, captured, refunded in part. @returns its id */
  async refundedPayment(): Promise<string> {
    const id = await this.create('payments', payment);
    await this.post(`/v1/payments/${id}/confirm`);
    await answerAll(this.api, this.tenant);
    await this.post(`/v1/payments/${id}/refund`, { amount: 300 });
    return id;
  }

  entry(id: string, seq: number): ItemKey {
    return entryKey(this.tenant, id, seq);
  }

  async read(key: ItemKey, table: 'data' | 'outbox' = 'data'): Promise<Item> {
    const { Item } = await this.#store.client.send(
      new GetCommand({ TableName: this.#store.tables[table], Key: { ...key }, ConsistentRead: true }),
    );
    if (!Item) throw new Error(`there is no item ${key.pk} ${key.sk}`);
    return Item;
  }

  /** One of the items that an account lies in; it must have one. */
  async balance(account: string): Promise<Item> {
    const { client, tables } = this.#store;
    const keys = balanceKeys(this.tenant, account, this.api.backend.registry.spreadOf(account));
    const [item] = await readByKey<Item>(client, tables.data, keys);
    if (!item) throw new Error(`nobody has posted to ${account}`);
    return item;
  }

  async write(item: Item, table: 'data' | 'outbox' = 'data'): Promise<void> {
    await this.#store.client.send(new PutCommand({ TableName: this.#store.tables[table], Item: item }));
  }

  async change(
    key: ItemKey,
    changed: (item: Item) => Item,
    table: 'data' | 'outbox' = 'data',
  ): Promise<void> {
    await this.write(changed(await this.read(key, table)), table);
  }

  async remove(key: ItemKey, table: 'data' | 'outbox' = 'data'): Promise<void> {
    await this.#store.client.send(
      new DeleteCommand({ TableName: this.#store.tables[table], Key: { ...key } }),
    );
  }
}
