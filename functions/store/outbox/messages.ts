/** The life of an outbox message in the database: sent, claimed, tried again, waiting, dead, redriven. */
import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { timestamp } from '../../runtime/clock.ts';
import { messageKey } from './message-items.ts';
import type { KeptCall } from './call-records.ts';
import type { Answer, DeadLetter, LastError, MessageItem, MessageName } from './message-items.ts';
import { all, clause, indexedAsDead, indexedIn, take, write, writeBeside } from './message-writes.ts';
import type { Beside, OutboxAccess } from './message-writes.ts';
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

/** What we hold the lease of. */
interface Lease {
  readonly item: MessageItem;
  readonly token: string;
}

export type Claim =
  | ({ readonly kind: 'claimed' } & Lease)
  /** No attempt is left: the caller records it as dead. */
  | ({ readonly kind: 'exhausted' } & Lease)
  /** Its receiver may have acted: the caller asks it, or holds the message. */
  | ({ readonly kind: 'uncertain' } & Lease)
  | Exclude<DeliveryState, { readonly kind: 'free' | 'exhausted' | 'uncertain' }>;

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
 * Marks a message that the sweeper sent, so that its next run knows. One that waits for a callback goes on waiting. What
 * the relay sends is marked by the worker's claim: a mark of its own would be a write more for each message.
 * @returns whether it was marked; a worker that was faster, or a newer run, is no fault.
 */
export async function recordSent(
  access: OutboxAccess,
  delivery: MessageRun,
  { isWaiting = false }: { readonly isWaiting?: boolean } = {},
): Promise<boolean> {
  const key = messageKey(delivery);
  if (key === undefined) return false;
  const written = await write(
    access,
    key,
    isWaiting ? 'SET #sentAt = :at' : 'SET #status = :sent, #sentAt = :at',
    all(isWaiting ? clause.waiting : clause.open, clause.thisRun),
    { ':at': timestamp(access.clock.now()), ':run': delivery.run },
  );
  return 'item' in written;
}

/**
 * Claims a message for one call of its receiver. Of any number of workers that try at once, one gets it.
 * The status becomes `sent`: an item that is written while `pending` would come through the stream once more and be sent
 * a second time.
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
    // The call counts as one that may have acted from here on, so that a worker that dies in it leaves no doubt out.
    `SET #status = :sent, #sentAt = if_not_exists(#sentAt, :at), #attempts = #attempts + :one, #unsettled = if_not_exists(#unsettled, :zero) + :one, ${hold}`,
    all(clause.open, clause.thisRun, clause.free, clause.attemptLeft, clause.unanswered, clause.callable),
    { ...lease, ':attemptsMax': terms.attempts, ':at': timestamp(now) },
  );
  if ('item' in claimed) return { kind: 'claimed', item: claimed.item, token };

  const found = deliveryState(claimed.found, delivery, now, terms.attempts);
  if (found.kind === 'free') return lookAgain(now);
  if (found.kind !== 'exhausted' && found.kind !== 'uncertain') return found;
  const isWaiting = claimed.found?.status === 'waiting';
  const taken = await take(
    access,
    key,
    `SET ${isWaiting ? '' : '#status = :sent, '}${hold}`,
    // Only who holds the lease lowers the attempts or settles a call, but for an answer, and that is asked for: what the
    // claim was refused for still holds.
    all(isWaiting ? clause.waiting : clause.open, clause.thisRun, clause.free, clause.unanswered),
    lease,
  );
  if ('item' in taken) return { kind: found.kind, item: taken.item, token };
  const since = deliveryState(taken.found, delivery, now, terms.attempts);
  return since.kind === 'free' || since.kind === 'exhausted' || since.kind === 'uncertain'
    ? lookAgain(now)
    : since;
}

/** Someone moved the message on between two of our writes: the delivery comes back soon and looks again. */
const lookAgain = (now: number): Claim => ({ kind: 'notYet', until: now });

export interface FailedAttempt {
  readonly lastError: LastError;
  readonly calls: readonly KeptCall[];
  /** Epoch ms. */
  readonly notBefore: number;
  /** Whether the receiver did not act: then this call is none that may have. */
  readonly isCertain: boolean;
}

/** Gives the lease back and keeps everybody off until the next attempt is due, copies in the queue included. */
export async function recordRetry(
  access: OutboxAccess,
  { item, token }: Lease,
  { lastError, calls, notBefore, isCertain }: FailedAttempt,
): Promise<boolean> {
  const settled = isCertain ? ', #unsettled = #unsettled - :one' : '';
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #lastError = :error, #calls = :calls, #leaseUntil = :until${settled} REMOVE #leaseToken`,
    clause.holder,
    { ':error': lastError, ':calls': calls, ':until': notBefore, ':token': token },
  );
  return 'item' in written;
}

/**
 * Notes an inquiry that brought no answer, and keeps everybody off until the next one is due.
 * @param neverSeen the receiver has none of the calls: the message may be called again
 */
export async function recordInquiry(
  access: OutboxAccess,
  { item, token }: Lease,
  {
    calls,
    notBefore,
    neverSeen,
  }: { readonly calls: readonly KeptCall[]; readonly notBefore: number; readonly neverSeen: boolean },
): Promise<boolean> {
  // One that waited for a callback goes on as one that is sent.
  const open = indexedIn(item, 'open');
  const inquiries = neverSeen
    ? '#inquiries = :zero, #unsettled = :zero'
    : '#inquiries = if_not_exists(#inquiries, :zero) + :one';
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #status = :sent, ${open.set}, #calls = :calls, #leaseUntil = :until, ${inquiries} REMOVE #leaseToken, #waitingUntil, ${open.remove}`,
    clause.holder,
    { ...open.values, ':calls': calls, ':until': notBefore, ':token': token },
  );
  return 'item' in written;
}

/** Gives the lease back of one that its receiver took, and says by a callback what became of it. */
export async function recordWaiting(
  access: OutboxAccess,
  { item, token }: Lease,
  { calls, until }: { readonly calls: readonly KeptCall[]; readonly until: number },
): Promise<boolean> {
  const waiting = indexedIn(item, 'waiting');
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #status = :waiting, ${waiting.set}, #waitingUntil = :until, #calls = :calls REMOVE #leaseUntil, #leaseToken, ${waiting.remove}`,
    clause.holder,
    {
      ...waiting.values,
      ':until': until,
      ':calls': calls,
      ':token': token,
    },
  );
  return 'item' in written;
}

/** Gives a claim back that made no call, because a message before it has not ended. */
export async function recordBehind(
  access: OutboxAccess,
  { item, token }: Lease,
  { behind, notBefore }: { readonly behind: string; readonly notBefore: number },
): Promise<boolean> {
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    'SET #behind = :behind, #leaseUntil = :until, #attempts = #attempts - :one, #unsettled = #unsettled - :one REMOVE #leaseToken',
    clause.holder,
    { ':behind': behind, ':until': notBefore, ':token': token },
  );
  return 'item' in written;
}

export interface DeadEnd {
  readonly lastError: LastError;
  readonly calls: readonly KeptCall[];
  readonly delivered: Delivered;
  /** Whether the last call did not act. */
  readonly isCertain: boolean;
  /** Where the receiver's own refusal ended it. */
  readonly answer?: Answer | undefined;
}

/** Ends a run that failed; the delivery is left to its queue, which moves it to the dead letters. */
export async function recordDead(
  access: OutboxAccess,
  { item, token }: Lease,
  { lastError, calls, delivered, isCertain, answer }: DeadEnd,
): Promise<boolean> {
  const settled = isCertain ? ', #unsettled = #unsettled - :one' : '';
  const answered = answer === undefined ? '' : ', #answer = :answer';
  const now = access.clock.now();
  const dead = indexedAsDead(item, { code: lastError.code, at: now });
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #status = :dead, #lastError = :error, #calls = :calls, #letter = :letter, ${dead.set}${settled}${answered} REMOVE #leaseUntil, #leaseToken, #waitingUntil, ${dead.remove}`,
    clause.holder,
    {
      ':answer': answer,
      ':error': lastError,
      ':calls': calls,
      ':letter': deadLetter(delivered, now),
      ...dead.values,
      ':token': token,
    },
  );
  return 'item' in written;
}

export const deadLetter = ({ copy, sqsMessageId, wasDeadLetter }: Delivered, diedAt: number): DeadLetter => ({
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
  /** Its receiver may have acted, and would act again: it is resolved, not redriven. */
  | 'held'
  | 'not_found';

/**
 * Begins the next run of a dead message; the stream takes it to its queue. The API and a dead letter that was
 * moved back both come through here, so any number of redrives at once begin one run. Calls of which nobody knows
 * whether they acted stay counted: the next run begins with an inquiry.
 * @throws TransactionConflictException where something is written beside it, and the message is written at this moment
 */
export async function redriveMessage(
  access: OutboxAccess,
  name: MessageName,
  { run, by, beside }: RedriveTerms = {},
): Promise<Redriven> {
  const key = messageKey(name);
  if (key === undefined) return 'not_found';
  const at = timestamp(access.clock.now());
  const open = indexedIn(name, 'open');
  const parameters = [
    access,
    key,
    `SET #status = :pending, #run = #run + :one, #attempts = :zero, ${open.set}, #redrivenAt = :at${by === undefined ? '' : ', #redrivenBy = :by'}
     REMOVE #leaseUntil, #leaseToken, #letter, #sentAt, #answer, #answerWaits, #inquiries, #behind, ${open.remove}`,
    all(clause.dead, clause.notHeld, ...(run === undefined ? [] : [clause.thisRun])),
    { ...open.values, ':at': at, ':run': run, ':by': by },
  ] as const;
  const written = await (beside === undefined ? write(...parameters) : writeBeside(...parameters, beside));
  if (!('found' in written)) return 'redriven';
  // Our own write, whose answer was lost, or one of the same millisecond.
  if (written.found?.status === 'pending' && written.found.redrivenAt === at) return 'redriven';
  if (written.found === undefined) return 'not_found';
  const isThisRun = run === undefined || written.found.run === run;
  return written.found.status === 'dead' && isThisRun ? 'held' : 'not_dead';
}

export interface RedriveTerms {
  /** Only where this run is the one that died. */
  readonly run?: number;
  /** The redrive run that it belongs to, so that this one knows what it has begun. */
  readonly by?: string;
  readonly beside?: Beside;
}
