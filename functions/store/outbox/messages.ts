/** The life of an outbox message in the database: sent, claimed, done, retried, dead, redriven. */
import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { timestamp } from '../../runtime/clock.ts';
import { cutText } from '../../runtime/cut-text.ts';
import { message as limits } from '../../runtime/limits.ts';
import { messageKey, statePartitionOf } from './message-items.ts';
import type { DeadLetter, Failure, LastError, MessageItem, MessageName } from './message-items.ts';
import { all, clause, take, write } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';
import { deliveryState } from './delivery-state.ts';
import type { Delivered, DeliveryState } from './delivery-state.ts';

/** A message and one of its runs. */
export interface MessageRun extends MessageName {
  readonly run: number;
}

/** A message that a queue handed out. */
export interface Delivery extends MessageName, Delivered {}

export interface ClaimTerms {
  /** Calls a run may make. */
  readonly attempts: number;
  /** How long nobody else may call. */
  readonly leaseMs: number;
}

export type Claim =
  | { readonly kind: 'claimed'; readonly item: MessageItem; readonly token: string }
  /** No attempt is left, and we hold the lease: the caller records it as dead. */
  | { readonly kind: 'exhausted'; readonly item: MessageItem; readonly token: string }
  | Exclude<DeliveryState, { readonly kind: 'free' | 'exhausted' }>;

/** Reads a message, consistently. */
export async function readMessage(access: OutboxAccess, name: MessageName): Promise<MessageItem | undefined> {
  const key = messageKey(name);
  if (key === undefined) return undefined;
  const { Item } = await access.client.send(
    new GetCommand({ TableName: access.table, Key: key, ConsistentRead: true }),
  );
  return Item as MessageItem | undefined;
}

/**
 * Marks a message that went to its queue. `again`: also where it was marked before, which moves `sentAt`.
 * @returns whether it was marked; a worker that was faster, or a newer run, is no fault.
 */
export async function recordSent(
  access: OutboxAccess,
  delivery: MessageRun,
  options: { readonly again?: boolean } = {},
): Promise<boolean> {
  const key = messageKey(delivery);
  if (key === undefined) return false;
  const written = await write(
    access,
    key,
    'SET #status = :sent, #sentAt = :at',
    all(options.again === true ? clause.open : clause.pending, clause.thisRun),
    { ':at': timestamp(access.clock.now()), ':run': delivery.run },
  );
  return 'item' in written;
}

/**
 * Claims a message for one call of its receiver. Of any number of workers that try at once, one gets it.
 * The status becomes `sent` even where the relay has not marked it yet: an item that is written while `pending`
 * would come through the stream once more and be sent a second time.
 */
export async function claimMessage(
  access: OutboxAccess,
  delivery: Delivery,
  terms: ClaimTerms,
): Promise<Claim> {
  const key = messageKey(delivery);
  if (key === undefined) return { kind: 'unknown' };
  const now = access.clock.now();
  const token = randomUUID();
  const lease = { ':now': now, ':until': now + terms.leaseMs, ':token': token, ':run': delivery.run };
  const hold = '#leaseUntil = :until, #leaseToken = :token';

  const claimed = await take(
    access,
    key,
    `SET #status = :sent, #sentAt = if_not_exists(#sentAt, :at), #attempts = #attempts + :one, ${hold}`,
    all(clause.open, clause.thisRun, clause.free, clause.attemptLeft),
    { ...lease, ':attemptsMax': terms.attempts, ':at': timestamp(now) },
  );
  if ('item' in claimed) return { kind: 'claimed', item: claimed.item, token };

  const found = deliveryState(claimed.found, delivery, now, terms.attempts);
  if (found.kind === 'free') return lookAgain(now);
  if (found.kind !== 'exhausted') return found;
  const taken = await take(
    access,
    key,
    `SET ${hold}`,
    // Attempts of a run never fall, so what the claim was refused for still holds.
    all(clause.open, clause.thisRun, clause.free),
    lease,
  );
  if ('item' in taken) return { kind: 'exhausted', item: taken.item, token };
  const since = deliveryState(taken.found, delivery, now, terms.attempts);
  return since.kind === 'free' || since.kind === 'exhausted' ? lookAgain(now) : since;
}

/** Someone moved the message on between two of our writes: the delivery comes back soon and looks again. */
const lookAgain = (now: number): Claim => ({ kind: 'leased', until: now });

/**
 * Records success, whoever holds the lease: the receiver did act. The first result stays.
 * @param result JSON
 */
export async function recordDone(access: OutboxAccess, item: MessageItem, result: string): Promise<boolean> {
  const payload = item.sensitive === true ? ', #payload' : '';
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #status = :done, #doneAt = :at, #result = :result, #statePk = :state REMOVE #leaseUntil, #leaseToken${payload}`,
    clause.notDone,
    {
      ':at': timestamp(access.clock.now()),
      ':result': result,
      ':state': statePartitionOf(item.tenant, 'done'),
    },
  );
  return 'item' in written;
}

/** Gives the lease back and keeps everybody off until the next attempt is due, copies in the queue included. */
export async function recordRetry(
  access: OutboxAccess,
  item: MessageItem,
  token: string,
  failure: { readonly lastError: LastError; readonly notBefore: number },
): Promise<boolean> {
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    'SET #lastError = :error, #failures = :failures, #leaseUntil = :until REMOVE #leaseToken',
    clause.holder,
    { ...failed(item, failure.lastError), ':until': failure.notBefore, ':token': token },
  );
  return 'item' in written;
}

/** Ends a run that failed; the delivery is left to its queue, which moves it to the dead letters. */
export async function recordDead(
  access: OutboxAccess,
  item: MessageItem,
  token: string,
  end: { readonly lastError: LastError; readonly delivered: Delivered },
): Promise<boolean> {
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    'SET #status = :dead, #lastError = :error, #failures = :failures, #letter = :letter, #statePk = :state REMOVE #leaseUntil, #leaseToken',
    clause.holder,
    {
      ...failed(item, end.lastError),
      ':letter': deadLetter(end.delivered, access.clock.now()),
      ':state': statePartitionOf(item.tenant, 'dead'),
      ':token': token,
    },
  );
  return 'item' in written;
}

/** An item that was claimed is as the database has it for as long as its lease is held. */
function failed(
  { run, attempts, failures = [] }: MessageItem,
  error: LastError,
): { readonly ':error': LastError; readonly ':failures': readonly Failure[] } {
  const { code, at } = error;
  const reason = cutText(error.reason, limits.failureReasonMaxBytes);
  const failure: Failure = { run, attempt: attempts, code, reason, at };
  return { ':error': error, ':failures': [...failures, failure].slice(-limits.failuresMax) };
}

const deadLetter = ({ copy, sqsMessageId, wasDeadLetter }: Delivered, diedAt: number): DeadLetter => ({
  ...(copy !== undefined && { copy }),
  sqsMessageId,
  ...(wasDeadLetter && { wasDeadLetter }),
  diedAt,
});

export type Redriven =
  /** Its next run has begun; the stream takes it to its queue. */
  | 'redriven'
  /** It is not dead: on its way already, or done. Nothing was changed. */
  | 'not_dead'
  | 'not_found';

/**
 * Begins the next run of a dead message; the stream takes it to its queue. The API and a dead letter that was
 * moved back both come through here, so any number of redrives at once begin one run.
 * @param run only where this run is the one that died
 */
export async function redriveMessage(
  access: OutboxAccess,
  name: MessageName,
  run?: number,
): Promise<Redriven> {
  const key = messageKey(name);
  if (key === undefined) return 'not_found';
  const at = timestamp(access.clock.now());
  const written = await write(
    access,
    key,
    `SET #status = :pending, #run = #run + :one, #attempts = :zero, #statePk = :state, #redrivenAt = :at
     REMOVE #leaseUntil, #leaseToken, #letter, #sentAt`,
    run === undefined ? clause.dead : all(clause.dead, clause.thisRun),
    { ':state': statePartitionOf(name.tenant, 'open'), ':at': at, ':run': run },
  );
  if ('item' in written) return 'redriven';
  // Our own write, whose answer was lost, or one of the same millisecond.
  if (written.found?.status === 'pending' && written.found.redrivenAt === at) return 'redriven';
  return written.found === undefined ? 'not_found' : 'not_dead';
}
