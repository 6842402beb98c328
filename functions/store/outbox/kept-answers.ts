/** The answers to messages: the first is kept; with it the message ends, alone or in its entity's transaction. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { timestamp } from '../../runtime/clock.ts';
import { message as limits } from '../../runtime/limits.ts';
import { callbackKey, isOpen, messageKey, notUnderstood } from './message-items.ts';
import type { KeptCall } from './call-records.ts';
import type { Answer, DeadLetter, MessageGroup, MessageItem, MessageName } from './message-items.ts';
import { clause, indexedAsDead, indexedIn, updateOf, within, write, writeAndRead } from './message-writes.ts';
import type { Beside, OutboxAccess } from './message-writes.ts';

export type AnswerTaken =
  /** It is the message's answer now, or was before. */
  | { readonly kind: 'taken'; readonly item: MessageItem; readonly isFirst: boolean }
  /** Another one was taken before. */
  | { readonly kind: 'conflict'; readonly item: MessageItem }
  | { readonly kind: 'not_found' };

/** What was answered to a message so far. To have given up is no answer. */
export function outcomeSaid({ status, answer, refused }: MessageItem): 'done' | 'refused' | undefined {
  if (answer !== undefined && answer.outcome !== 'dead') return answer.outcome;
  if (status !== 'done') return undefined;
  return refused === undefined ? 'done' : 'refused';
}

/** Whether a person's word on a message counts: {@link clause.resolvable}, of one that was read. */
export const isResolvable = (
  { status, answer, answerWaits }: MessageItem,
  outcome: 'done' | 'refused',
): boolean =>
  status === 'dead' ||
  (isOpen({ status }) &&
    answerWaits?.code === notUnderstood &&
    (answer?.outcome === outcome || answer?.outcome === 'dead'));

/** An answer that is to be taken. */
export interface AnswerNews {
  readonly answer: Answer & { readonly outcome: 'done' | 'refused' };
  /** The attempts, where one of them brought the answer. */
  readonly calls?: readonly KeptCall[];
  /**
   * `worker`: it was answered to a call, and goes on with it. `callback`: the stream takes the message to its queue, so
   * that a worker goes on where we die. `operator`: the same, and only for one that is resolvable.
   */
  readonly from: 'worker' | 'callback' | 'operator';
  /** What is written along with it. */
  readonly beside?: Beside;
}

/**
 * Takes an answer, whoever holds the lease: the receiver did act, or did not. Where a transition follows from it, the
 * answer is kept and the message stays open until the entity has been moved; otherwise the message ends here.
 */
export async function takeAnswer(
  access: OutboxAccess,
  item: MessageItem,
  news: AnswerNews,
): Promise<AnswerTaken> {
  const { answer, calls, from } = news;
  const isKept = item.answers?.[answer.outcome] !== undefined;
  const end = isKept ? keptOpen(item, news) : ended(item, answer, access.clock.now());
  const key = { pk: item.pk, sk: item.sk };
  const parameters = [
    `SET ${[...end.set, ...(calls === undefined ? [] : ['#calls = :calls'])].join(', ')} REMOVE ${end.remove.join(', ')}`,
    from === 'operator' ? clause.resolvable : clause.firstAnswer,
    { ...end.values, ':calls': calls, ':outcome': answer.outcome },
  ] as const;
  const written =
    news.beside === undefined
      ? await write(access, key, ...parameters)
      : await writeAndRead(access, key, ...parameters, news.beside);
  if ('item' in written) return { kind: 'taken', item: written.item, isFirst: true };
  if (written.found === undefined) return { kind: 'not_found' };
  return outcomeSaid(written.found) === answer.outcome
    ? { kind: 'taken', item: written.found, isFirst: false }
    : { kind: 'conflict', item: written.found };
}

interface Change {
  readonly set: readonly string[];
  readonly remove: readonly string[];
  readonly values: Readonly<Record<string, unknown>>;
}

/** Nobody holds it any more, so a worker that still calls learns that it lost; nobody calls it again. */
function keptOpen(item: MessageItem, { answer, from }: AnswerNews): Change {
  const open = indexedIn(item, 'open');
  return {
    set: ['#answer = :answer', '#status = :status', open.set, '#unsettled = :zero'],
    remove: ['#leaseUntil', '#leaseToken', '#waitingUntil', '#answerWaits', open.remove],
    values: { ...open.values, ':answer': answer, ':status': from === 'worker' ? 'sent' : 'pending' },
  };
}

/** How a message stands once an answer has ended it. */
function ended(item: MessageItem, answer: Answer, now: number): Change {
  const group = endOf(item, answer);
  const { result, refused, lastError, ...kept } = answer;
  const error = lastError ?? (refused && { ...refused, at: answer.at });
  const end =
    group === 'dead'
      ? indexedAsDead(item, { code: error?.code ?? 'unknown', at: now })
      : indexedIn(item, group);
  const isOver = group === 'done';
  // What a receiver did without anything that follows needs no word on who said so.
  const isPlain = answer.outcome === 'done' && item.answers === undefined && answer.note === undefined;
  return {
    set: [
      '#status = :status',
      end.set,
      ...(isOver ? ['#doneAt = :at', '#expiresAt = :expiresAt'] : ['#lastError = :error']),
      ...(isPlain ? [] : ['#answer = :answer']),
      ...(result === undefined ? [] : ['#result = :result']),
      ...(refused === undefined ? [] : ['#refused = :refused']),
      ...(answer.outcome === 'dead' ? ['#hasDied = :true'] : []),
    ],
    remove: [
      '#leaseUntil',
      '#leaseToken',
      '#waitingUntil',
      '#answerWaits',
      end.remove,
      ...(answer.outcome === 'dead' ? [] : ['#unsettled']),
      ...(isOver ? ['#traceparent'] : []),
      ...(isOver && item.sensitive === true ? ['#payload'] : []),
    ],
    values: {
      ':status': group,
      ...end.values,
      ':at': timestamp(now),
      ':expiresAt': Math.floor((now + limits.keptMs) / 1000),
      ':error': error,
      ':answer': kept,
      ':result': result,
      ':refused': refused,
    },
  };
}

/** A refusal that nothing follows from is for people to look at, unless a person has said so. */
function endOf({ answers }: MessageItem, { outcome, note }: Answer): Extract<MessageGroup, 'done' | 'dead'> {
  if (outcome === 'refused' && answers?.refused === undefined && note === undefined) return 'dead';
  return outcome === 'dead' ? 'dead' : 'done';
}

type Update = NonNullable<NonNullable<TransactWriteCommandInput['TransactItems']>[number]['Update']>;

/**
 * The end of a message as an item of its entity's transaction. Its condition is what makes an answer count once: the
 * answer that was kept is still the message's, and has not ended it; or, of news, the message has none yet.
 * @param letter of one that is dead: the delivery that goes to the dead letters
 */
export function messageEnd(
  table: string,
  item: MessageItem,
  answer: Answer,
  {
    now,
    news,
    letter,
  }: {
    readonly now: number;
    readonly news?: AnswerNews | undefined;
    readonly letter?: DeadLetter | undefined;
  },
): Update {
  const { set, remove, values } = ended(item, answer, now);
  const more = [
    ...(letter === undefined ? [] : ['#letter = :letter']),
    ...(news?.calls === undefined ? [] : ['#calls = :calls']),
  ];
  return {
    ...updateOf(
      table,
      { pk: item.pk, sk: item.sk },
      `SET ${[...set, ...more].join(', ')} REMOVE ${remove.join(', ')}`,
      news === undefined ? clause.thisAnswer : clause.firstAnswer,
      {
        ...values,
        ':letter': letter,
        ':calls': news?.calls,
        ':outcome': answer.outcome,
        ':answeredAt': answer.at,
      },
    ),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}

/** Notes that all attempts are used up, where the entity is to hear of it. */
export async function keepDeadEnd(
  access: OutboxAccess,
  { item, token }: { readonly item: MessageItem; readonly token: string },
  answer: Answer,
  { calls, isCertain }: { readonly calls: readonly KeptCall[]; readonly isCertain: boolean },
): Promise<MessageItem | undefined> {
  const settled = isCertain ? ', #unsettled = #unsettled - :one' : '';
  const open = indexedIn(item, 'open');
  const written = await write(
    access,
    { pk: item.pk, sk: item.sk },
    `SET #answer = :answer, #status = :sent, ${open.set}, #lastError = :error, #calls = :calls${settled} REMOVE #leaseUntil, #leaseToken, #waitingUntil, ${open.remove}`,
    clause.holder,
    {
      ...open.values,
      ':answer': answer,
      ':error': answer.lastError,
      ':calls': calls,
      ':token': token,
    },
  );
  return 'item' in written ? written.item : undefined;
}

/**
 * Says why an answer has not moved its entity yet. An item that is written while `pending` would come through the stream
 * once more and bring its delivery, which would write this note, and so on.
 */
export async function recordAnswerWaits(
  access: OutboxAccess,
  { pk, sk }: MessageItem,
  code: string,
): Promise<'noted' | 'ended'> {
  const written = await write(
    access,
    { pk, sk },
    'SET #status = :sent, #answerWaits = :waits',
    clause.answered,
    {
      ':waits': { code, at: timestamp(access.clock.now()) },
    },
  );
  return 'item' in written ? 'noted' : 'ended';
}

/**
 * Says where a message lies, before its receiver is called: a callback names the message alone. Written at each call,
 * since nobody knows what a worker before came to. It stays as long as a finished message does.
 */
export async function noteTenant(access: OutboxAccess, { id, tenant }: MessageName): Promise<void> {
  await access.client.send(
    new PutCommand({
      TableName: access.table,
      Item: {
        ...callbackKey(id),
        tenant,
        expiresAt: Math.floor((access.clock.now() + limits.keptMs) / 1000),
      },
    }),
    within(access),
  );
}

/** @returns the tenant of a message that its receiver was told of */
export async function tenantOf(access: OutboxAccess, id: string): Promise<string | undefined> {
  if (messageKey({ tenant: '', id }) === undefined) return undefined;
  const { Item } = await access.client.send(
    new GetCommand({ TableName: access.table, Key: callbackKey(id), ConsistentRead: true }),
    within(access),
  );
  return Item?.['tenant'] as string | undefined;
}
