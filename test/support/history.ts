/**
 * Histories made by the pure decision and written without transactions: the items that commands would have left,
 * many of them in little time.
 */
import { ulid } from 'ulid';
import { decideAmong } from '../../functions/core/decide.ts';
import type { Command } from '../../functions/core/command.ts';
import type { Decided, Decision } from '../../functions/core/decision.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { Registry } from '../../functions/core/registry.ts';
import { putAll } from '../../functions/store/batches.ts';
import type { Store } from '../../functions/store/store.ts';
import { entityPut, fixedPut } from '../../functions/store/transaction/entity-writes.ts';
import { everyRole } from './roles.ts';
import { entryItem } from '../../functions/store/entities/items.ts';
import { balanceKey, uniqueKey, entryKey, entryPrefix } from '../../functions/store/keys.ts';
import { messageItem } from '../../functions/store/outbox/message-items.ts';

type Item = Record<string, unknown>;

export interface HistoryStep {
  readonly name: string;
  readonly input?: Readonly<Record<string, unknown>>;
}

export class History {
  readonly tenant: string;
  readonly #registry: Registry;
  readonly #balances = new Map<string, { unit: string; balance: number }>();
  /** Waiting to be written, by table and key. */
  readonly #items = { data: new Map<string, Item>(), outbox: new Map<string, Item>() };
  readonly #now: number;

  constructor(registry: Registry, tenant: string, now: number = Date.now()) {
    this.#registry = registry;
    this.tenant = tenant;
    this.#now = now;
  }

  /** Creates an entity and takes transitions that stay within it. Throws where one is refused. */
  entity(collection: string, input: HistoryStep['input'], steps: readonly HistoryStep[]): EntityState {
    const domain = this.#registry.byCollection(collection);
    const command: Command = {
      tenant: this.tenant,
      domain,
      id: `${domain.idPrefix}_${ulid(this.#now)}`,
      name: 'create',
      input: input ?? {},
      actor: 'alice',
      roles: everyRole,
      now: this.#now,
      random: 'random',
      seed: 'seed',
    };
    let state = this.#take(decideAmong(this.#registry, command, () => undefined));
    for (const step of steps) {
      const next = { ...command, name: step.name, input: step.input ?? {} };
      const before = state;
      state = this.#take(decideAmong(this.#registry, next, (id) => (id === before.id ? before : undefined)));
    }
    return state;
  }

  /** The entries of an entity as they would lie in the table. */
  entries(id: string): Item[] {
    const { pk } = entryKey(this.tenant, id, 1);
    return [...this.#items.data.values()].filter(
      (item) => item['pk'] === pk && String(item['sk']).startsWith(entryPrefix),
    );
  }

  /** Writes everything made so far. */
  async write({ client, tables }: Store): Promise<void> {
    for (const [account, { unit, balance }] of this.#balances) {
      this.#put('data', { ...balanceKey(this.tenant, account), account, unit, balance });
    }
    for (const table of ['data', 'outbox'] as const) {
      const items = [...this.#items[table].values()];
      this.#items[table].clear();
      await putAll(client, tables[table], items);
    }
  }

  #take(decided: Decided): EntityState {
    if (decided.kind !== 'accepted') throw new Error(JSON.stringify(decided));
    const { decision } = decided;
    const [change] = decision.entities;
    if (decision.entities.length > 1 || decision.unread.length > 0)
      throw new Error('it moves other entities');
    this.#put('data', {
      ...entryItem(entryKey(this.tenant, change.after.id, change.entry.seq), change.entry),
    });
    this.#put(
      'data',
      entityPut('', { tenant: this.tenant, now: this.#now, meetings: 0, requestId: '' }, change).Put?.Item ??
        {},
    );
    if (change.after.fixed) this.#put('data', fixedPut('', this.tenant, change).Put?.Item ?? {});
    for (const claim of change.taken) {
      this.#put('data', { ...uniqueKey(this.tenant, claim), entity: claim.entity });
    }
    for (const claim of change.released) {
      const { pk, sk } = uniqueKey(this.tenant, claim);
      this.#items.data.delete(JSON.stringify([pk, sk]));
    }
    this.#messages(decision);
    for (const { account, unit, delta } of decision.balances) {
      const balance = (this.#balances.get(account)?.balance ?? 0) + delta;
      this.#balances.set(account, { unit, balance });
    }
    return change.after;
  }

  #messages({ messages }: Decision): void {
    for (const message of messages) {
      const item = messageItem({ ...message, tenant: this.tenant, entityId: message.entity });
      this.#put('outbox', { ...item });
    }
  }

  #put(table: 'data' | 'outbox', item: Item): void {
    this.#items[table].set(JSON.stringify([item['pk'], item['sk']]), item);
  }
}
