/**
 * A decision as the labelled items of one TransactWriteItems. Pure: nothing is sent here. The label says what an
 * item is for, so that a cancellation can be read back in the words of the decision. Each item has a condition, which
 * wins one race:
 *
 * | item               | condition                                       | against                                         |
 * | ------------------ | ----------------------------------------------- | ----------------------------------------------- |
 * | idempotency record | none under the key, or one that has run out     | two runs of one request                         |
 * | entity             | the version that was read; its lock is free, or | a decision on an old state; whoever holds the   |
 * |                    | ours; the rules on its accounts                 | lock (`entity-writes.ts`)                       |
 * | ledger entry       | not there yet                                   | an entry that is there being replaced           |
 * | unique value       | not there yet; released by its holder alone     | two entities with one value                     |
 * | other entity       | its rules; its version where it was read        | what is not read any more as it was             |
 * | balance            | its floor, its unit, whole numbers              | two that take from one account at once          |
 * | share              | the same of one item of an entity's account; the | two that take from it at once; a state that the |
 * |                    | entity's state and lock, which it has, too      | entity has left (`share-items.ts`)              |
 * | share state        | it is there                                     | an item that is there no more                   |
 * | unchanged entity   | the version that was read                       | an answer that is ignored in a state left since |
 * | message end        | no answer yet, or this one (`kept-answers.ts`)  | an answer that counts twice                     |
 * | message            | not there yet                                   | a message that is there being replaced          |
 *
 * Next: `commit.ts`.
 */
import type { Decision, PlannedMessage } from '../../core/decision.ts';
import type { EntityState } from '../../core/entity.ts';
import type { EntityChange } from '../../core/entity-change.ts';
import type { BalanceChange, UnreadChange } from '../../core/movements.ts';
import type { UniqueReservation } from '../../core/unique-holds.ts';
import { entityPut, entityUpdate, fixedPut } from './entity-writes.ts';
import { Expression } from './expression.ts';
import { idempotencyPut } from './idempotency-record.ts';
import type { IdempotencyItem } from './idempotency-record.ts';
import { entryItem } from '../entities/items.ts';
import { balanceKey, balancePlace, uniqueKey, entityKey, entryKey } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { messageItem } from '../outbox/message-items.ts';
import type { AnswerTransitions } from '../outbox/message-items.ts';
import { added, all, compiled, lockCondition, onlyNew } from './conditions.ts';
import type { CommitContext, LabelledItem, TransactItem } from './labelled-item.ts';
import { sharePosting, shareStates } from './share-items.ts';
import type { TableNames } from '../store.ts';

/** The record of a command's key, taken by one of its attempts. */
export const recordGuard = (table: string, record: IdempotencyItem, now: number): LabelledItem => ({
  label: { purpose: 'idempotency record' },
  item: { Put: idempotencyPut(table, record, Math.floor(now / 1000)) },
});

/** An entity that a command leaves as it is, and relies on: it must still be what was read. */
export function unchangedItem(
  tables: TableNames,
  tenant: string,
  { id, version }: EntityState,
): LabelledItem {
  const expression = new Expression();
  return {
    label: { purpose: 'unchanged entity' },
    item: {
      ConditionCheck: {
        TableName: tables.data,
        Key: entityKey(tenant, id),
        ConditionExpression: `${expression.path('version')} = ${expression.value(version)}`,
        ...expression.parameters(),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
  };
}

/** All the writes of a command but `onceItemOf`'s, which makes it happen once (`commands/once.ts`). */
export function transactionItems(
  tables: TableNames,
  context: CommitContext,
  decision: Decision,
): readonly LabelledItem[] {
  const { tenant, now, meetings } = context;
  const [{ after: self, entry }] = decision.entities;
  const handed = handedOver(tenant, decision.entities);
  const isApart = (hold: UniqueReservation): boolean =>
    !handed.some(({ from, to }) => hold === from || hold === to);
  return [
    ...decision.entities.flatMap((change, index) => [
      {
        label: { purpose: 'entity' as const, change },
        item: change.before
          ? entityUpdate(tables.data, context, change, index === 0 ? context.lockToken : undefined)
          : entityPut(tables.data, context, change),
      },
      ...(!change.before && change.after.fixed
        ? [
            {
              label: { purpose: 'fixed attributes' as const, change },
              item: fixedPut(tables.data, tenant, change),
            },
          ]
        : []),
      ...shareStates(tables.data, context, change),
      { label: { purpose: 'ledger entry' as const, change }, item: entryPut(tables.data, tenant, change) },
      ...change.taken.filter(isApart).map((hold) => ({
        label: { purpose: 'unique value' as const, hold },
        item: uniquePut(tables.data, tenant, hold),
      })),
      ...change.released.filter(isApart).map((hold) => ({
        label: { purpose: 'released value' as const, hold },
        item: uniqueDelete(tables.data, tenant, hold),
      })),
    ]),
    ...handed.map(({ from, to }) => ({
      label: { purpose: 'unique value' as const, hold: to },
      item: uniqueHandOver(tables.data, tenant, from, to),
    })),
    ...decision.unread.flatMap((unread) => {
      const { own, shares } = context.placed?.get(unread.id) ?? { own: unread, shares: [] };
      return [
        ...(own
          ? [
              {
                label: { purpose: 'other entity' as const, unread: own, now },
                item: unreadUpdate(tables.data, context, own),
              },
            ]
          : []),
        ...shares.map((share) => sharePosting(tables.data, context, share)),
      ];
    }),
    ...decision.balances.map((balance) => ({
      label: { purpose: 'balance' as const, balance },
      item: balanceUpdate(
        tables.data,
        balanceKey(
          tenant,
          balance.account,
          balancePlace(balance.items, { id: self.id, seq: entry.seq }, meetings),
        ),
        balance,
      ),
    })),
    ...decision.messages.map((message) => ({
      label: {
        purpose: 'message' as const,
        topic: message.topic,
        ...(message.done !== undefined && { done: `${message.collection}/${message.done}` }),
      },
      item: onlyNew(tables.outbox, {
        ...messageItem({
          ...message,
          tenant,
          entityId: message.entity,
          onUncertain: message.uncertain === 'retry' ? undefined : message.uncertain,
          answers: answersOf(message),
          requestId: context.requestId,
          traceparent: context.traceparent,
        }),
      }),
    })),
  ];
}

/** The transitions that its answers bring about, as the message keeps them. */
function answersOf({ done, refused, dead }: PlannedMessage): AnswerTransitions | undefined {
  if (done === undefined && refused === undefined && dead === undefined) return undefined;
  return {
    ...(done !== undefined && { done }),
    ...(refused !== undefined && { refused }),
    ...(dead !== undefined && { dead }),
  };
}

/** The entity's version stops two writers of one entry. This condition stops an entry from being overwritten. */
function entryPut(table: string, tenant: string, { after, entry }: EntityChange): TransactItem {
  return onlyNew(table, { ...entryItem(entryKey(tenant, after.id, entry.seq), entry) });
}

interface HandOver {
  readonly from: UniqueReservation;
  readonly to: UniqueReservation;
}

/** Values that one entity of the decision gives up and another takes: one item, which a transaction may name once. */
function handedOver(tenant: string, entities: readonly EntityChange[]): readonly HandOver[] {
  const nameOf = (hold: UniqueReservation): string => uniqueKey(tenant, hold).pk;
  const takers = new Map(entities.flatMap(({ taken }) => taken).map((hold) => [nameOf(hold), hold]));
  return entities
    .flatMap(({ released }) => released)
    .flatMap((from) => {
      const to = takers.get(nameOf(from));
      return to ? [{ from, to }] : [];
    });
}

/** Only from the holder to the next: it wins over a value that has gone to somebody else behind the entity's back. */
function uniqueHandOver(
  table: string,
  tenant: string,
  from: UniqueReservation,
  to: UniqueReservation,
): TransactItem {
  const expression = new Expression();
  return {
    Put: {
      TableName: table,
      Item: { ...uniqueKey(tenant, to), entity: to.entity },
      ConditionExpression: `${expression.path('entity')} = ${expression.value(from.entity)}`,
      ...expression.parameters(),
    },
  };
}

/** Two commands that take one value meet here: one of them finds the other's item. */
function uniquePut(table: string, tenant: string, hold: UniqueReservation): TransactItem {
  return onlyNew(table, { ...uniqueKey(tenant, hold), entity: hold.entity });
}

/** Only the holder releases: a value that has gone to somebody else is not taken from them. */
function uniqueDelete(table: string, tenant: string, hold: UniqueReservation): TransactItem {
  const expression = new Expression();
  return {
    Delete: {
      TableName: table,
      Key: uniqueKey(tenant, hold),
      ConditionExpression: `${expression.path('entity')} = ${expression.value(hold.entity)}`,
      ...expression.parameters(),
    },
  };
}

/**
 * The rules decide in the database: buyers of one counter do not wait for each other's versions. Whoever holds the
 * lock of the entity is left undisturbed all the same.
 */
function unreadUpdate(
  table: string,
  { tenant, now }: CommitContext,
  { domain, id, rules, deltas, units, version }: UnreadChange,
): TransactItem {
  const expression = new Expression();
  const conditions = [
    // An item that is not there has no collection either.
    `${expression.path('collection')} = ${expression.value(domain.collection)}`,
    // An entity that is older than its first account has no place for it: `commit` makes one, and tries again.
    ...(Object.keys(deltas).length > 0 ? [`attribute_exists(${expression.path('balances')})`] : []),
    ...Object.entries(units).map(([key, unit]) => isKeptIn(expression, ['units', key], unit)),
    // Whoever decided on an older state of it loses, and decides again on this one.
    ...(version === undefined ? [] : [`${expression.path('version')} = ${expression.value(version)}`]),
    ...compiled(expression, domain, rules),
  ];
  const changes = Object.entries(deltas);
  if (changes.length === 0) {
    return {
      ConditionCheck: {
        TableName: table,
        Key: entityKey(tenant, id),
        ConditionExpression: all(conditions),
        ...expression.parameters(),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    };
  }
  conditions.push(lockCondition(expression, undefined, now));
  return {
    Update: {
      TableName: table,
      Key: entityKey(tenant, id),
      UpdateExpression: `SET ${changes.map(([key, delta]) => added(expression, ['balances', key], delta)).join(', ')}`,
      ConditionExpression: all(conditions),
      ...expression.parameters(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** Against a definition that has changed an account's unit: amounts of two units are never added. */
function isKeptIn(expression: Expression, path: readonly string[], unit: string): string {
  const kept = expression.path(...path);
  return `(attribute_not_exists(${kept}) OR ${kept} = ${expression.value(unit)})`;
}

/** Two that take from one account at once: the second meets the floor. An account that was never used counts as 0. */
function balanceUpdate(
  table: string,
  key: ItemKey,
  { account, unit, delta, rules }: BalanceChange,
): TransactItem {
  const expression = new Expression();
  const balance = expression.path('balance');
  const holdsForZero = rules.every(
    ({ test }) => (test.op === 'atMost' && 0 <= test.value) || (test.op === 'atLeast' && 0 >= test.value),
  );
  const isInUnit = `${expression.path('unit')} = ${expression.value(unit)}`;
  const limits = all(rules.map(({ test }) => expression.condition(test, () => ['balance'])));
  return {
    Update: {
      TableName: table,
      Key: { ...key },
      UpdateExpression:
        `SET ${balance} = if_not_exists(${balance}, ${expression.value(0)}) + ${expression.value(delta)}, ` +
        `${expression.path('account')} = ${expression.value(account)}, ${expression.path('unit')} = ${expression.value(unit)}`,
      ConditionExpression: holdsForZero
        ? `attribute_not_exists(${balance}) OR (${limits} AND ${isInUnit})`
        : `${limits} AND ${isInUnit}`,
      ...expression.parameters(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}
