/**
 * A decision as the labelled items of one TransactWriteItems. Pure: nothing is sent here. The label says what an
 * item is for, so that a cancellation can be read back in the words of the decision.
 */
import type { Decision } from '../../core/decide.ts';
import type { Claim, EntityChange } from '../../core/entity-change.ts';
import type { BalanceChange, BlindChange } from '../../core/movements.ts';
import { entityPut, entityUpdate } from './entity-writes.ts';
import { Expression } from './expression.ts';
import { idempotencyPut } from './idempotency-record.ts';
import type { IdempotencyItem } from './idempotency-record.ts';
import { entryItem } from '../entities/items.ts';
import { balanceKey, claimKey, entityKey, entryKey } from '../keys.ts';
import { messageItem } from '../outbox/message-items.ts';
import { added, all, compiled, lockCondition, onlyNew } from './conditions.ts';
import type { CommitContext, LabelledItem, TransactItem } from './labelled-item.ts';
import type { TableNames } from '../store.ts';

/** All the writes of a command, the idempotency record first. */
export function transactionItems(
  tables: TableNames,
  context: CommitContext,
  decision: Decision,
  record: IdempotencyItem,
): readonly LabelledItem[] {
  const { tenant, now } = context;
  const handed = handedOver(tenant, decision.entities);
  const isApart = (claim: Claim): boolean => !handed.some(({ from, to }) => claim === from || claim === to);
  return [
    {
      label: { purpose: 'idempotency record' },
      item: { Put: idempotencyPut(tables.idempotency, record, Math.floor(now / 1000)) },
    },
    ...decision.entities.flatMap((change, index) => [
      {
        label: { purpose: 'entity' as const, change },
        item: change.before
          ? entityUpdate(tables.data, context, change, index === 0 ? context.lockToken : undefined)
          : entityPut(tables.data, context, change),
      },
      { label: { purpose: 'ledger entry' as const, change }, item: entryPut(tables.data, tenant, change) },
      ...change.taken.filter(isApart).map((claim) => ({
        label: { purpose: 'unique value' as const, claim },
        item: claimPut(tables.data, tenant, claim),
      })),
      ...change.released.filter(isApart).map((claim) => ({
        label: { purpose: 'released value' as const, claim },
        item: claimDelete(tables.data, tenant, claim),
      })),
    ]),
    ...handed.map(({ from, to }) => ({
      label: { purpose: 'unique value' as const, claim: to },
      item: claimHandOver(tables.data, tenant, from, to),
    })),
    ...decision.blind.map((blind) => ({
      label: { purpose: 'other entity' as const, blind, now },
      item: blindUpdate(tables.data, context, blind),
    })),
    ...decision.balances.map((balance) => ({
      label: { purpose: 'balance' as const, balance },
      item: balanceUpdate(tables.data, tenant, balance),
    })),
    ...decision.messages.map((message) => ({
      label: { purpose: 'message' as const, topic: message.topic },
      item: onlyNew(tables.outbox, {
        ...messageItem({
          ...message,
          tenant,
          entityId: message.entity,
          requestId: context.requestId,
          traceparent: context.traceparent,
        }),
      }),
    })),
  ];
}

/** The entity's version keeps two from writing one entry; the condition keeps an entry that is there from being replaced. */
function entryPut(table: string, tenant: string, { after, entry }: EntityChange): TransactItem {
  return onlyNew(table, { ...entryItem(entryKey(tenant, after.id, entry.seq), entry) });
}

interface HandOver {
  readonly from: Claim;
  readonly to: Claim;
}

/** Values that one entity of the decision gives up and another takes: one item, which a transaction may name once. */
function handedOver(tenant: string, entities: readonly EntityChange[]): readonly HandOver[] {
  const nameOf = (claim: Claim): string => claimKey(tenant, claim).pk;
  const takers = new Map(entities.flatMap(({ taken }) => taken).map((claim) => [nameOf(claim), claim]));
  return entities
    .flatMap(({ released }) => released)
    .flatMap((from) => {
      const to = takers.get(nameOf(from));
      return to ? [{ from, to }] : [];
    });
}

/** Only from the holder to the next: it wins over a value that has gone to somebody else behind the entity's back. */
function claimHandOver(table: string, tenant: string, from: Claim, to: Claim): TransactItem {
  const expression = new Expression();
  return {
    Put: {
      TableName: table,
      Item: { ...claimKey(tenant, to), entity: to.entity },
      ConditionExpression: `${expression.path('entity')} = ${expression.value(from.entity)}`,
      ...expression.parameters(),
    },
  };
}

/** Two claims of one value meet here, and one of them finds the other's. */
function claimPut(table: string, tenant: string, claim: Claim): TransactItem {
  return onlyNew(table, { ...claimKey(tenant, claim), entity: claim.entity });
}

/** Only the holder releases: a value that has gone to somebody else is not taken from them. */
function claimDelete(table: string, tenant: string, claim: Claim): TransactItem {
  const expression = new Expression();
  return {
    Delete: {
      TableName: table,
      Key: claimKey(tenant, claim),
      ConditionExpression: `${expression.path('entity')} = ${expression.value(claim.entity)}`,
      ...expression.parameters(),
    },
  };
}

/**
 * The rules decide in the database: buyers of one counter do not wait for each other's versions. Whoever holds the
 * lock of the entity is left undisturbed all the same.
 */
function blindUpdate(
  table: string,
  { tenant, now }: CommitContext,
  { domain, id, rules, deltas }: BlindChange,
): TransactItem {
  const expression = new Expression();
  const conditions = [
    // An item that is not there has no collection either.
    `${expression.path('collection')} = ${expression.value(domain.collection)}`,
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

/** Two that take from one account at once: the second meets the floor. An account that was never used counts as 0. */
function balanceUpdate(
  table: string,
  tenant: string,
  { account, unit, delta, rules }: BalanceChange,
): TransactItem {
  const expression = new Expression();
  const balance = expression.path('balance');
  const holdsForZero = rules.every(
    ({ test }) => (test.op === 'atMost' && 0 <= test.value) || (test.op === 'atLeast' && 0 >= test.value),
  );
  const limits = all(rules.map(({ test }) => expression.condition(test, () => ['balance'])));
  return {
    Update: {
      TableName: table,
      Key: balanceKey(tenant, account),
      UpdateExpression:
        `SET ${balance} = if_not_exists(${balance}, ${expression.value(0)}) + ${expression.value(delta)}, ` +
        `${expression.path('account')} = ${expression.value(account)}, ${expression.path('unit')} = ${expression.value(unit)}`,
      ConditionExpression: holdsForZero ? `attribute_not_exists(${balance}) OR (${limits})` : limits,
      ...expression.parameters(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}
