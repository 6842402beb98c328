/** The life of an outbox message in the database: sent, claimed, done, retried, dead, redriven. */
import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { timestamp } from '../../runtime/clock.ts';
import { messageKey, statePartitionOf } from './message-items.ts';
import type { LastError, MessageItem, MessageName } from './message-items.ts';
import { all, clause, take, write } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';
import { standing } from './delivery-state.ts';
import type { Delivered, Standing } from './delivery-state.ts';

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
  | { readonly is: 'claimed'; readonly item: MessageItem; readonly token: string }
  /** Ours to bury: no attempt is left, and none is counted. */
  | { readonly is: 'exhausted'; readonly item: MessageItem; readonly token: string }
  | Exclude<Standing, { readonly is: 'free' | 'exhausted' }>;

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
  if (key === undefined) return { is: 'unknown' };
  const now = access.clock.now();
  const token = randomUUID();
  const lease = { ':now': now, ':until': now + terms.leaseMs, ':token': token, ':run': delivery.run };
  const limit = { ':attemptsMax': terms.attempts };
  const hold = '#leaseUntil = :until, #leaseToken = :token';

  const claimed = await take(
    access,
    key,
    `SET #status = :sent, #sentAt = if_not_exists(#sentAt, :at), #attempts = #attempts + :one, ${hold}`,
    all(clause.open, clause.thisRun, clause.free, clause.attemptLeft),
    { ...lease, ...limit, ':at': timestamp(now) },
  );
  if ('item' in claimed) return { is: 'claimed', item: claimed.item, token };

  const found = standing(claimed.found, delivery, now, terms.attempts);
  if (found.is === 'free') return lookAgain(now);
  if (found.is !== 'exhausted') return found;
  const taken = await take(
    access,
    key,
    `SET ${hold}`,
    all(clause.open, clause.thisRun, clause.free, clause.noAttemptLeft),
    { ...lease, ...limit },
  );
  if ('item' in taken) return { is: 'exhausted', item: taken.item, token };
  const since = standing(taken.found, delivery, now, terms.attempts);
  return since.is === 'free' || since.is === 'exhausted' ? lookAgain(now) : since;
}

/** Someone moved the message on between two of our writes: the delivery comes back soon and looks again. */
const lookAgain = (now: number): Claim => ({ is: 'held', until: now });

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
    'SET #lastError = :error, #leaseUntil = :until REMOVE #leaseToken',
    clause.holder,
    { ':error': failure.lastError, ':until': failure.notBefore, ':token': token },
  );
  return 'item' in written;
}

/** Ends a run that failed; the delivery is left to its queue, which moves it to the dead letters. */
export async function recordDead(
  access: OutboxAccess,
  item: MessageItem,
  token: string,
  end: { readonly lastError: LastError; readonly sqsMessageId: string },
): Promise<boolean> {
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    'SET #status = :dead, #lastError = :error, #letter = :letter, #statePk = :state REMOVE #leaseUntil, #leaseToken',
    all(clause.open, clause.holder),
    {
      ':error': end.lastError,
      ':letter': { sqsMessageId: end.sqsMessageId, diedAt: access.clock.now() },
      ':state': statePartitionOf(item.tenant, 'dead'),
      ':token': token,
    },
  );
  return 'item' in written;
}

export type Redriven =
  /** Its next run has begun; the stream takes it to its queue. */
  | 'redriven'
  /** It is not dead: on its way already, or done. Nothing was changed. */
  | 'not_dead'
  | 'not_found';

/**
 * Begins the next run of a dead message; the stream takes it to its queue. The API and a letter that was moved
 * back both come through here, so any number of redrives at once begin one run.
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
