/**
 * The commit: everything a command changes, in one TransactWriteItems. The outcome is a value; what the database
 * refused is told in the words of the decision. A defect throws.
 *
 * Next: `outbox/message-relay.ts`, by the stream of the outbox table.
 */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { EntityState } from '../../core/entity.ts';
import { unitRules, unreadRejection } from '../../core/movements.ts';
import * as rejections from '../../core/rejections.ts';
import type { Rejection } from '../../core/rejections.ts';
import { firstBroken } from '../../core/rules.ts';
import { mayHaveHappened } from '../failures.ts';
import type { IdempotencyItem } from './idempotency-record.ts';
import { entityState } from '../entities/items.ts';
import type { BalanceItem, EntityItem } from '../entities/items.ts';
import type { Label, LabelledItem } from './labelled-item.ts';
import type { ItemKey } from '../keys.ts';
import type { Store } from '../store.ts';

export type CommitOutcome =
  | { readonly kind: 'committed' }
  /** The key has an answer already: the winner's record. */
  | { readonly kind: 'duplicate'; readonly record: IdempotencyItem }
  /** The message that the command answers has ended, or has another answer by now: that one moves the entity. */
  | { readonly kind: 'ended' }
  /** An entity has changed since it was read: what it is now, by id; `undefined` where that has to be read. */
  | { readonly kind: 'stale'; readonly states: ReadonlyMap<string, EntityState | undefined> }
  /** A rule on something that was not read does not hold. */
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /**
   * Another transaction was at one of the items: nothing was written.
   * `isKeyBusy`: that item was the key's record, so a duplicate of this command is running.
   */
  | { readonly kind: 'conflict'; readonly isKeyBusy: boolean }
  /** The database is short of capacity: nothing was written. */
  | { readonly kind: 'throttled' }
  /** No answer of success or refusal came: it may have committed. Trying again finds out, by the key's record or the message. */
  | { readonly kind: 'unknown' };

/**
 * Sends labelled items as one transaction and reads its outcome. The SDK gives the request a token, which its own tries
 * share: the database commits once for a token within ten minutes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, ClientRequestToken
 * @throws a defect, and errors of `beginAccounts`; nothing has committed then
 */
export async function commit(
  store: Store,
  items: readonly LabelledItem[],
  signal: AbortSignal,
): Promise<CommitOutcome> {
  store.onTransaction?.(items);
  try {
    const command = new TransactWriteCommand({ TransactItems: items.map(({ item }) => item) });
    await store.client.send(command, { abortSignal: signal });
    return { kind: 'committed' };
  } catch (error) {
    if (error instanceof TransactionCanceledException) {
      const outcome = outcomeOf(
        items.map(({ label }) => label),
        error.CancellationReasons ?? [],
      );
      if (outcome.kind === 'no accounts') {
        await beginAccounts(store, outcome.entity, signal);
        return { kind: 'conflict', isKeyBusy: false };
      }
      // The client sent it more than once, and what it met may be its own first attempt, which is still under way.
      const isRepeated = (error.$metadata.attempts ?? 1) > 1;
      const isPassing = outcome.kind === 'conflict' || outcome.kind === 'throttled';
      return isPassing && isRepeated ? { kind: 'unknown' } : outcome;
    }
    if (mayHaveHappened(error)) return { kind: 'unknown' };
    throw error;
  }
}

/**
 * An entity that is older than its definition's first account has no map of balances, and a path into it would be none.
 * It gets an empty one, and the command tries again.
 */
async function beginAccounts(
  { client, tables }: Store,
  { pk, sk }: ItemKey,
  signal: AbortSignal,
): Promise<void> {
  const command = new UpdateCommand({
    TableName: tables.data,
    Key: { pk, sk },
    UpdateExpression: 'SET balances = if_not_exists(balances, :none)',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':none': {} },
  });
  await client.send(command, { abortSignal: signal });
}

interface Cancelled {
  readonly label: Label;
  readonly reason: CancellationReason;
}

/**
 * Reads a cancellation, whose reasons stand in the order of the items. A duplicate outweighs everything: its
 * first answer stands whatever the state has become since. A conflict comes last: the database looked at nothing else then.
 */
function outcomeOf(
  labels: readonly Label[],
  reasons: readonly CancellationReason[],
): CommitOutcome | { readonly kind: 'no accounts'; readonly entity: ItemKey } {
  const failed: Cancelled[] = labels.flatMap((label, index) => {
    const reason = reasons[index];
    return reason?.Code === undefined || reason.Code === 'None' ? [] : [{ label, reason }];
  });
  const refused = failed.filter(({ reason }) => reason.Code === 'ConditionalCheckFailed');

  const duplicate = refused.find(({ label }) => label.purpose === 'idempotency record');
  const record = duplicate && oldItem(duplicate.reason);
  if (record) return { kind: 'duplicate', record: record as unknown as IdempotencyItem };

  if (refused.some(({ label }) => label.purpose === 'message end')) return { kind: 'ended' };

  const stale = refused.flatMap(({ label, reason }): (readonly [string, EntityState | undefined])[] => {
    // One item of an account had too little, or the entity has left its state. Only all of them tell what is refused.
    if (label.purpose === 'share') return [[label.share.id, undefined]];
    const state = entityOf(reason);
    if (!state || !isStale(label, state)) return [];
    return [[state.id, state.spread ? undefined : state]];
  });
  const states = new Map(stale);
  if (states.size > 0) return { kind: 'stale', states };

  const older = refused.find(
    ({ label, reason }) =>
      label.purpose === 'other entity' &&
      Object.keys(label.unread.deltas).length > 0 &&
      oldItem(reason)?.['collection'] === label.unread.domain.collection &&
      oldItem(reason)?.['balances'] === undefined,
  );
  if (older) return { kind: 'no accounts', entity: oldItem(older.reason) as unknown as ItemKey };

  for (const { label, reason } of refused) {
    const rejection = rejectionOf(label, reason);
    if (rejection) return { kind: 'rejected', rejection };
  }
  // A condition that failed and that nothing above explains is among these.
  if (failed.some(({ reason }) => !isTransient(reason))) {
    const seen = failed.map(
      ({ label, reason }) => `${label.purpose}: ${reason.Code ?? ''} ${reason.Message ?? ''}`,
    );
    throw new Error(`the transaction was cancelled for a reason no rule explains: ${seen.join('; ')}`);
  }
  const conflicts = failed.filter(({ reason }) => reason.Code === 'TransactionConflict');
  if (conflicts.length === 0 && failed.length > 0) return { kind: 'throttled' };
  return {
    kind: 'conflict',
    isKeyBusy: conflicts.some(({ label }) => label.purpose === 'idempotency record'),
  };
}

/**
 * Whether the decision was made on another state of this item, and is made again on what it is now. Of an entity that is
 * only looked at the balances move under the same version: what breaks their floor is refused then, unless they lie in
 * more items than this one.
 */
const isStale = (label: Label, { version, spread }: EntityState): boolean =>
  label.purpose === 'entity' ||
  label.purpose === 'unchanged entity' ||
  label.purpose === 'lock' ||
  (label.purpose === 'other entity' &&
    ((label.unread.version !== undefined && label.unread.version !== version) ||
      Object.keys(label.unread.deltas).some((key) => spread?.[key] !== undefined)));

/** What a failed condition means for the caller; `undefined` where only a defect could have caused it. */
function rejectionOf(label: Label, reason: CancellationReason): Rejection | undefined {
  switch (label.purpose) {
    case 'unique value':
      return rejections.alreadyExists(label.hold.constraint);
    case 'other entity':
      return unreadRejection(label.unread, entityOf(reason), label.now);
    case 'balance': {
      const kept = oldItem(reason) as Partial<BalanceItem> | undefined;
      const units = unitRules(kept?.unit, label.balance.unit);
      const broken = firstBroken([...units, ...label.balance.rules], () => kept?.balance ?? 0);
      return broken && rejections.rejectedBy(broken);
    }
    case 'redrive match':
      return rejections.redriveRunning(String(oldItem(reason)?.['run']));
    case 'idempotency record':
    case 'message end':
    case 'redrive run':
    case 'redrive list':
    case 'operation':
    case 'entity':
    case 'fixed attributes':
    case 'unchanged entity':
    case 'lock':
    case 'share':
    case 'share state':
    case 'ledger entry':
    case 'released value':
    case 'message':
      return undefined;
    default:
      return label satisfies never;
  }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, cancellation reasons */
const transientReasons: ReadonlySet<string> = new Set([
  'TransactionConflict',
  'ProvisionedThroughputExceeded',
  'ThrottlingError',
]);
const isTransient = ({ Code }: CancellationReason): boolean =>
  Code !== undefined && transientReasons.has(Code);

/** The document client leaves the items of an error as they came over the wire, or translates them; both are read. */
function oldItem({ Item }: CancellationReason): Record<string, unknown> | undefined {
  if (!Item) return undefined;
  const isWire = typeof Object.values(Item)[0] === 'object';
  return isWire ? unmarshall(Item) : Item;
}

function entityOf(reason: CancellationReason): EntityState | undefined {
  const item = oldItem(reason);
  return item && entityState(item as unknown as EntityItem);
}
