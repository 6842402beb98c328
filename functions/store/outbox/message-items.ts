/** The outbox item of a message: its key, its attributes and the shape its readers get. Pure. */
import { payloadText } from '../../core/ledger.ts';
import type { Topic } from '../../runtime/topics.ts';
import { shardOf } from '../keys.ts';
import { outboxTable } from '../tables.ts';
import type { KeptCall } from './call-records.ts';

export const messageStatuses = ['pending', 'sent', 'waiting', 'done', 'dead'] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** Statuses that are listed together: on their way, with their receiver, over, and waiting for a person. */
export const messageGroups = ['open', 'waiting', 'done', 'dead'] as const;
export type MessageGroup = (typeof messageGroups)[number];

export const groupOf = (status: MessageStatus): MessageGroup =>
  status === 'pending' || status === 'sent' ? 'open' : status;

/** Whether it is on its way. */
export const isOpen = ({ status }: { readonly status: MessageStatus }): boolean => groupOf(status) === 'open';

const [open, closed] = outboxTable.indexes;

/** The index that has the messages of a group. */
export const indexOf = (group: MessageGroup): typeof open | typeof closed =>
  group === 'open' || group === 'waiting' ? open : closed;

/**
 * Partition keys of one group of a tenant's messages. A message writes its open one twice: when it is caused and when it
 * ends. A key takes 1,000 writes a second, so four take 2,000 messages. More would cost each list of messages as many
 * requests more. See `test/unit/throughput.unit.test.ts`.
 */
export const messageShards = 4;

/** What an answer says that ends a message, or moves its entity: it acted, it refused, or it was given up. */
export type AnswerOutcome = 'done' | 'refused' | 'dead';

/** The transitions of its entity that the answers to a message bring about. */
export type AnswerTransitions = Readonly<Partial<Record<AnswerOutcome, string>>>;

/** What is done about a message that may have acted; `retry`, which is the default, is not written. */
export type OnUncertain = 'inquire' | 'hold';

/** What a command knows of a message it causes. */
export interface NewMessage {
  readonly tenant: string;
  /** `<prefix>_<ULID>` */
  readonly entityId: string;
  readonly collection: string;
  /** Of the ledger entry that this message belongs to. */
  readonly seq: number;
  /** Its place among the messages of that entry, 0 to 99. */
  readonly n: number;
  /** E.g. `payment.capture`. */
  readonly type: string;
  readonly topic: Topic;
  readonly payload: Readonly<Record<string, unknown>>;
  /** RFC 3339 UTC, milliseconds. */
  readonly createdAt: string;
  readonly requestId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The payload is removed once the message is done. */
  readonly sensitive?: boolean | undefined;
  /** Name of the receiver; none is the default one. */
  readonly receiver?: string | undefined;
  readonly onUncertain?: OnUncertain | undefined;
  readonly answers?: AnswerTransitions | undefined;
  /** Sent after the messages before it that are ordered, too, and go from its entity to its receiver. */
  readonly ordered?: boolean | undefined;
}

/** A receiver's no. */
export interface Refusal {
  /** Stable: an HTTP status (`402`) or a word. */
  readonly code: string;
  /** For people, without internals. */
  readonly reason: string;
  /** The beginning of what the receiver answered. */
  readonly answer?: string;
}

/**
 * The answer to a message. It is kept before the entity is moved, so that nobody is called again because our side was
 * busy. Once the message has ended, `result` and `refused` stand on the message itself.
 */
export interface Answer {
  readonly outcome: AnswerOutcome;
  /** As the ledger shows it: `receiver:<topic>`, or the operator. */
  readonly by: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** JSON, of `done`. */
  readonly result?: string;
  /** Of `refused`. */
  readonly refused?: Refusal;
  /** Of `dead`. */
  readonly lastError?: LastError;
  /** What the operator wrote. */
  readonly note?: string;
}

/** Why an answer waits that its transition was not written for: for a release that knows it, or for a person. */
export const notUnderstood = 'answer_not_understood';

export interface LastError {
  /** For people: what happened, without internals. */
  readonly reason: string;
  /** Stable: an HTTP status (`500`) or a word (`timeout`). */
  readonly code: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** The beginning of what the receiver answered. */
  readonly answer?: string;
}

/** The delivery with which a message died. */
export interface DeadLetter {
  /** Which copy of the reference it was; none in what the version before has sent. */
  readonly copy?: string;
  readonly sqsMessageId: string;
  /** Its queue said already then that it had lain among the dead letters. */
  readonly wasDeadLetter?: true;
  /** Epoch ms. For people and their tools; nothing is decided by it. */
  readonly diedAt: number;
}

/** Why and when a message died: what dead letters are counted and looked for by, so it stands in their index. */
export interface Death {
  /** Of the last error. */
  readonly code: string;
  /** Epoch ms. */
  readonly at: number;
}

export interface MessageItem {
  readonly pk: string;
  readonly sk: string;
  readonly id: string;
  readonly tenant: string;
  readonly entity: string;
  readonly collection: string;
  readonly type: string;
  readonly seq: number;
  readonly topic: Topic;
  readonly status: MessageStatus;
  /** Grows by one with every redrive; a delivery of an older run is stale. */
  readonly run: number;
  /** Calls to the receiver in this run. */
  readonly attempts: number;
  readonly createdAt: string;
  /** JSON; gone once a sensitive message is done. */
  readonly payload?: string;
  readonly requestId?: string;
  /** Gone once it is done: nothing follows it any more. */
  readonly traceparent?: string;
  readonly sensitive?: true;
  /** Its partition of the index `open`, or else of the index `closed`. */
  readonly openPk?: string;
  readonly closedPk?: string;
  /** Its place there. */
  readonly stateSk: string;
  /** When a worker first took it in this run, or when the sweeper last sent it, RFC 3339 UTC. */
  readonly sentAt?: string;
  readonly doneAt?: string;
  /** Of a message that is done: the first epoch second in which it is gone, whether or not it is there still. */
  readonly expiresAt?: number;
  /** When its newest run was begun, by the API or by a dead letter that was moved back, RFC 3339 UTC. */
  readonly redrivenAt?: string;
  /** The redrive run that took it on last. */
  readonly redrivenBy?: string;
  /** Epoch ms. Nobody calls the receiver before: a call is going on, or the next attempt is not due. */
  readonly leaseUntil?: number;
  /** Who holds the lease. */
  readonly leaseToken?: string;
  /** Of a dead message: the delivery with which it died. */
  readonly letter?: DeadLetter;
  /** Of a dead message, and of no other. */
  readonly died?: Death;
  readonly lastError?: LastError;
  /** The newest attempts and inquiries of all runs, the oldest of them first. */
  readonly calls?: readonly KeptCall[];
  /** JSON: what the receiver gave back. */
  readonly result?: string;
  readonly receiver?: string;
  readonly onUncertain?: OnUncertain;
  readonly answers?: AnswerTransitions;
  readonly ordered?: true;
  /** Calls of which nobody knows whether the receiver acted. One that is going on counts. */
  readonly unsettled?: number;
  /** Inquiries of this run. */
  readonly inquiries?: number;
  /** Epoch ms. Of one that waits: when it is looked after without a callback. */
  readonly waitingUntil?: number;
  /** The answer that was taken. Until the message ends, its entity has not been moved by it. */
  readonly answer?: Answer;
  readonly refused?: Refusal;
  /** Why an answer that was taken has not moved its entity yet. */
  readonly answerWaits?: { readonly code: string; readonly at: string };
  /** Its entity was told that it had been given up: once, whatever becomes of later runs. */
  readonly hasDied?: true;
  /** Of one that is ordered: the message before it that has not ended. */
  readonly behind?: string;
}

/**
 * Whether a message is there no more. The time to live of the table may come days later.
 * @param now epoch milliseconds
 */
export const isExpired = ({ expiresAt }: Pick<MessageItem, 'expiresAt'>, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= Math.floor(now / 1000);

/** Identifies a message to the store. */
export interface MessageName {
  readonly tenant: string;
  /** `msg_{entity id}_{seq}_{n}` */
  readonly id: string;
}

export interface MessageKey {
  readonly pk: string;
  readonly sk: string;
}

/** Tenants are encoded, so that none can write the separator into its name. */
const encoded = (tenant: string): string => encodeURIComponent(tenant);

export const messagePartition = (tenant: string, entityId: string): string =>
  `${encoded(tenant)}#${entityId}`;

const sortKey = (seq: number, n: number): string =>
  `${String(seq).padStart(10, '0')}#${String(n).padStart(2, '0')}`;

export const messageId = (entityId: string, seq: number, n: number): string => `msg_${entityId}_${seq}_${n}`;

/** Of a message: entity id, entry and place. */
const idForm = /msg_([a-z][a-z0-9]{0,9}_[0-9A-HJKMNP-TV-Z]{26})_([1-9]\d{0,9})_(0|[1-9]\d?)/.source;
const idPattern = new RegExp(`^${idForm}$`);

/** @returns the item's key, or `undefined` where no message can have that id. */
export function messageKey({ tenant, id }: MessageName): MessageKey | undefined {
  const [, entityId, seq, n] = idPattern.exec(id) ?? [];
  if (entityId === undefined || !tenant.isWellFormed()) return undefined;
  return { pk: messagePartition(tenant, entityId), sk: sortKey(Number(seq), Number(n)) };
}

const groupPartition = (tenant: string, group: MessageGroup, shard: number): string =>
  `${encoded(tenant)}#${group}#${shard}`;

/** The partitions of an index in which a tenant's messages of one group lie. */
export const groupPartitions = (tenant: string, group: MessageGroup): readonly string[] =>
  Array.from({ length: messageShards }, (_, shard) => groupPartition(tenant, group, shard));

/** The partition of one message of a group: by its own id, so that a tenant with many spreads over all. */
export const groupPartitionOf = ({ tenant, id }: MessageName, group: MessageGroup): string =>
  groupPartition(tenant, group, shardOf(id, messageShards));

/** How a message of a group stands in the indexes: in one of them, at one partition. */
export const indexedAs = (
  name: MessageName,
  group: MessageGroup,
): Pick<MessageItem, 'openPk' | 'closedPk'> => ({
  [indexOf(group).partitionKey]: groupPartitionOf(name, group),
});

/** `stateSk`: the place of a message in a list of its tenant's. */
export const statePosition = new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z#${idForm}$`);

/** What the place of a message in a list tells: when it was created, and its id. */
export function toldByPlace({ stateSk }: Pick<MessageItem, 'stateSk'>): {
  readonly createdAt: string;
  readonly id: string;
} {
  const [createdAt = '', id = ''] = stateSk.split('#');
  return { createdAt, id };
}

/** The item of a message that is about to be sent for the first time. */
export function messageItem(message: NewMessage): MessageItem {
  const { tenant, entityId, seq, n, createdAt, requestId, traceparent } = message;
  const id = messageId(entityId, seq, n);
  return {
    pk: messagePartition(tenant, entityId),
    sk: sortKey(seq, n),
    id,
    tenant,
    entity: entityId,
    collection: message.collection,
    type: message.type,
    seq,
    topic: message.topic,
    status: 'pending',
    run: 1,
    attempts: 0,
    createdAt,
    payload: payloadText(message.payload),
    ...(requestId !== undefined && { requestId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(message.sensitive === true && { sensitive: true as const }),
    ...(message.receiver !== undefined && { receiver: message.receiver }),
    ...(message.onUncertain !== undefined && { onUncertain: message.onUncertain }),
    ...(message.answers !== undefined && { answers: message.answers }),
    ...(message.ordered === true && { ordered: true as const }),
    ...indexedAs({ tenant, id }, 'open'),
    stateSk: `${createdAt}#${id}`,
  };
}

/**
 * Where the tenant of a message stands that may be answered by a callback, which names the message alone. No tenant's
 * partition holds a colon.
 */
export const callbackKey = (id: string): MessageKey => ({ pk: `callback:${id}`, sk: 'tenant' });

/** Where the sweeper notes its places. Tenants' partitions have a `#` in their names, so this one is nobody's. */
export const sweeperKey = (place: string): MessageKey => ({ pk: 'sweeper', sk: place });
