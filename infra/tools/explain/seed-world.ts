/**
 * Entities for a store to be measured on: made by the same decisions as real ones, so that ledgers, unique values,
 * balances and messages agree and the audit finds nothing wrong. Only the way into the tables is shorter.
 */
import { ulid } from 'ulid';
import { decideCreate, decideTransition } from '../../../functions/core/decide.ts';
import type { Command } from '../../../functions/core/command.ts';
import type { Decision, Verdict } from '../../../functions/core/decide.ts';
import type { EntityChange } from '../../../functions/core/entity-change.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { balanceKey } from '../../../functions/store/keys.ts';
import { messageGroups, statePartitionOf } from '../../../functions/store/outbox/message-items.ts';
import { transactionItems } from '../../../functions/store/transaction/transaction-items.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import { subject, tenant } from './workbench.ts';

export type Item = Readonly<Record<string, unknown>>;
/** Items by the name of their table. */
export type Items = { readonly table: string; readonly item: Item }[];

export interface World {
  /** Makes an entity. @returns its id */
  readonly create: (collection: string, input: object) => string;
  /** Moves it; `others` are the entities that move along. */
  readonly move: (id: string, transition: string, input?: object, others?: readonly string[]) => void;
  /** Hands over everything but the balances of named accounts; what was made is forgotten then. */
  readonly takeItems: (messageStatus: (topic: string) => 'pending' | 'done' | 'dead') => Items;
  readonly balances: () => Items;
}

/** @param random from 0 to 1, so that the same numbers make the same entities */
export function createWorld(
  registry: Registry,
  tables: TableNames,
  random: () => number,
  now: () => number,
): World {
  const entities = new Map<string, EntityChange>();
  const rest = new Map<string, { table: string; item: Item }>();
  const balances = new Map<string, { unit: string; balance: number }>();

  const stateOf = (id: string): EntityState => {
    const change = entities.get(id);
    if (!change) throw new Error(`${id} was not made here`);
    return change.after;
  };
  const command = (collection: string, name: string, id: string, input: object): Command => ({
    tenant,
    domain: registry.byCollection(collection),
    name,
    id,
    input: input as Command['input'],
    actor: subject,
    now: now(),
    random: Math.floor(random() * 1e15)
      .toString(36)
      .padStart(22, '0'),
  });

  function apply(verdict: Verdict): void {
    if (verdict.kind === 'rejected') throw new Error(`a seed was refused: ${verdict.rejection.code}`);
    const { decision } = verdict;
    for (const change of decision.entities) entities.set(change.after.id, change);
    for (const { id, deltas } of decision.blind) shift(id, deltas);
    for (const { account, unit, delta } of decision.balances) {
      balances.set(account, { unit, balance: (balances.get(account)?.balance ?? 0) + delta });
    }
    keep(decision);
  }

  /** Another entity's balances move; its version stays. */
  function shift(id: string, deltas: Readonly<Record<string, number>>): void {
    const change = entities.get(id);
    if (!change) throw new Error(`${id} was not made here`);
    const after = { ...change.after, balances: { ...change.after.balances } };
    for (const [key, delta] of Object.entries(deltas)) {
      after.balances[key] = (after.balances[key] ?? 0) + delta;
    }
    entities.set(id, { ...change, after });
  }

  function keep(decision: Decision): void {
    for (const { label, item } of labelled(decision)) {
      const name = (key: Item | undefined): string => JSON.stringify([key?.['pk'], key?.['sk']]);
      if (item.Put && ['ledger entry', 'unique value', 'message'].includes(label.purpose)) {
        const { TableName: table = '', Item: put = {} } = item.Put;
        rest.set(name(put), { table, item: put });
      } else if (item.Delete) {
        rest.delete(name(item.Delete.Key));
      }
    }
  }

  const labelled = (decision: Decision): ReturnType<typeof transactionItems> =>
    transactionItems(
      tables,
      { tenant, now: now(), requestId: '00000000-0000-4000-8000-000000000000' },
      decision,
      {
        pk: '',
        payloadHash: '',
        expiresAt: 0,
        answer: { status: 0, body: '' },
        requestId: '',
      },
    );

  return {
    create: (collection, input) => {
      const id = `${registry.byCollection(collection).idPrefix}_${ulid(now(), random)}`;
      apply(decideCreate(registry, command(collection, 'create', id, input)));
      return id;
    },
    move: (id, transition, input = {}, others = []) => {
      const before = stateOf(id);
      const moved = others.map(stateOf);
      apply(decideTransition(registry, command(before.collection, transition, id, input), before, moved));
    },
    takeItems: (messageStatus) => {
      const puts = [...entities.values()].map((change) => {
        const asNew = { ...change };
        delete (asNew as { before?: unknown }).before;
        const decision: Decision = { entities: [asNew], blind: [], balances: [], messages: [] };
        const item = labelled(decision).find(({ label }) => label.purpose === 'entity')?.item.Put?.Item;
        return { table: tables.data, item: item ?? {} };
      });
      const others = [...rest.values()].map(({ table, item }) => ({
        table,
        item: table === tables.outbox ? worked(item, messageStatus(item['topic'] as string)) : item,
      }));
      entities.clear();
      rest.clear();
      return [...puts, ...others];
    },
    balances: () =>
      [...balances].map(([account, { unit, balance }]) => ({
        table: tables.data,
        item: { ...balanceKey(tenant, account), account, unit, balance },
      })),
  };
}

/** A message as relay and worker leave it. */
function worked(message: Item, status: 'pending' | 'done' | 'dead'): Item {
  if (status === 'pending') return message;
  const at = message['createdAt'];
  const { payload, ...kept } = message;
  return {
    ...kept,
    ...(message['sensitive'] !== true && { payload }),
    status,
    attempts: status === 'done' ? 1 : 5,
    sentAt: at,
    statePk: statePartitionOf(tenant, messageGroups.find((group) => group === status) ?? 'open'),
    ...(status === 'done'
      ? {
          doneAt: at,
          result: JSON.stringify({ messageId: '<00000000-0000-4000-8000-000000000000@example.com>' }),
        }
      : { lastError: { code: '500', reason: 'The receiver answered 500.', at } }),
  };
}
