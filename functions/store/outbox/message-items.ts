/** The outbox item of a message: its key, its attributes and the shape its readers get. Pure. */
import { createHash } from 'node:crypto';
import type { Topic } from '../../runtime/topics.ts';

export type MessageStatus = 'pending' | 'sent' | 'done' | 'dead';

/** Statuses that are listed together: what the sweeper looks after, what is over, what waits for a person. */
export type MessageGroup = 'open' | 'done' | 'dead';

export const messageGroups = ['open', 'done', 'dead'] as const satisfies readonly MessageGroup[];

export const groupOf = (status: MessageStatus): MessageGroup =>
  status === 'pending' || status === 'sent' ? 'open' : status;

/** Partitions of each group, so that no single one takes the writes of all tenants. */
export const messageShards = 8;

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
  /** E.g. `payment.confirmed`. */
  readonly type: string;
  readonly topic: Topic;
  readonly payload: Readonly<Record<string, unknown>>;
  /** RFC 3339 UTC, milliseconds. */
  readonly createdAt: string;
  readonly requestId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The payload is removed once the message is done. */
  readonly sensitive?: boolean | undefined;
}

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

/** A failed attempt, as a message keeps it. */
export interface Failure {
  /** Each redrive begins another one, in which attempts count from 1. */
  readonly run: number;
  readonly attempt: number;
  readonly code: string;
  readonly reason: string;
  /** RFC 3339 UTC. */
  readonly at: string;
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
  readonly traceparent?: string;
  readonly sensitive?: true;
  readonly statePk: string;
  readonly stateSk: string;
  /** When it last went to its queue, RFC 3339 UTC. */
  readonly sentAt?: string;
  readonly doneAt?: string;
  /** When it was last redriven by the API, RFC 3339 UTC. */
  readonly redrivenAt?: string;
  /** Epoch ms. Nobody calls the receiver before: a call is going on, or the next attempt is not due. */
  readonly leaseUntil?: number;
  /** Who holds the lease. */
  readonly leaseToken?: string;
  /** Of a dead message: the delivery with which it died. */
  readonly letter?: DeadLetter;
  readonly lastError?: LastError;
  /** The newest failures of all runs, the oldest of them first. */
  readonly failures?: readonly Failure[];
  /** JSON: what the receiver gave back. */
  readonly result?: string;
}

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

export const statePartition = (group: MessageGroup, shard: number): string => `${group}#${shard}`;

/** A tenant's messages lie in one shard of each group. */
export const shardOf = (tenant: string): number =>
  createHash('sha256').update(tenant).digest().readUInt8(0) % messageShards;

export const statePartitionOf = (tenant: string, group: MessageGroup): string =>
  statePartition(group, shardOf(tenant));

/** What the state index's keys of one tenant begin with. */
export const stateSortPrefix = (tenant: string): string => `${encoded(tenant)}#`;

/** What `stateSk` holds after that: the place of a message in a list of its tenant's. */
export const statePosition = new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z#${idForm}$`);

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
    payload: JSON.stringify(message.payload),
    ...(requestId !== undefined && { requestId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(message.sensitive === true && { sensitive: true as const }),
    statePk: statePartitionOf(tenant, 'open'),
    stateSk: `${stateSortPrefix(tenant)}${createdAt}#${id}`,
  };
}

/** Where the sweeper notes its places. Tenants' partitions have a `#` in their names, so this one is nobody's. */
export const sweeperKey = (place: string): MessageKey => ({ pk: 'sweeper', sk: place });

/** A message as the API shows it. */
export interface MessageView {
  readonly id: string;
  readonly topic: Topic;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly createdAt: string;
  readonly sentAt?: string;
  readonly doneAt?: string;
  /** While it is true: not on a message that is done. */
  readonly lastError?: LastError;
  readonly failures?: readonly Failure[];
  readonly result?: unknown;
}

export function messageView(item: MessageItem): MessageView {
  const { id, topic, status, attempts, createdAt, sentAt, doneAt, lastError, failures, result } = item;
  return {
    id,
    topic,
    status,
    attempts,
    createdAt,
    ...(sentAt !== undefined && { sentAt }),
    ...(doneAt !== undefined && { doneAt }),
    ...(lastError !== undefined && status !== 'done' && { lastError }),
    ...(failures !== undefined && { failures }),
    ...(result !== undefined && { result: JSON.parse(result) as unknown }),
  };
}
