/**
 * The tables and their key names, stated once: the store writes by these names, the infrastructure creates the
 * tables from them, and tests create the same tables on DynamoDB Local.
 */

export interface KeySchema {
  readonly partitionKey: string;
  readonly sortKey?: string;
}

export interface IndexSchema extends KeySchema {
  readonly name: string;
  readonly sortKeyType?: 'S' | 'N';
  /** All attributes, the keys alone, or the keys and these attributes. */
  readonly projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

export interface TableSchema extends KeySchema {
  readonly indexes: readonly IndexSchema[];
  /** Epoch seconds; only ever a matter of tidiness, never of correctness. */
  readonly timeToLive?: string;
  readonly stream: boolean;
}

/** Entities, their ledgers, balances and unique claims. */
export const dataTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    /** Entities of one collection in one status, by id, which is by time: `GET /v1/{collection}?status=`. */
    { name: 'byStatus', partitionKey: 'listPk', sortKey: 'listSk', projection: 'ALL' },
    /** Entities that wait for a scheduled transition, and redrive runs, earliest first; sparse. Read by the sweeper. */
    { name: 'due', partitionKey: 'dueShard', sortKey: 'dueAt', sortKeyType: 'N', projection: 'KEYS_ONLY' },
  ],
  /** Only what a run of the audit keeps, and lists of redrive runs, carry it; entities and their ledgers never do. */
  timeToLive: 'auditExpiresAt',
  stream: true,
} as const satisfies TableSchema;

/** Messages, written in the transaction of the command that caused them. */
export const outboxTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    /**
     * Messages on their way or with their receiver, of one tenant by time. Sparse, so that the sweeper reads it from one
     * end to the other: what it costs depends on what is open, not on how many partition keys there are. It holds nothing
     * that a claim or a retry changes, so those write the table alone.
     */
    { name: 'open', partitionKey: 'openPk', sortKey: 'stateSk', projection: ['topic', 'waitingUntil'] },
    /**
     * Messages that are done, or dead, of one tenant by time. One that leaves `open` goes here: it stands in one of them.
     * It holds all that dead letters are counted and looked for by, and no long text, so that an entry stays below one
     * write unit and a search among 100,000 reads the entries alone.
     */
    {
      name: 'closed',
      partitionKey: 'closedPk',
      sortKey: 'stateSk',
      projection: ['topic', 'type', 'receiver', 'onUncertain', 'unsettled', 'run', 'died'],
    },
  ],
  /** Of messages that are done; all others stay. */
  timeToLive: 'expiresAt',
  stream: true,
} as const satisfies TableSchema;

/** One finished answer a key. */
export const idempotencyTable = {
  partitionKey: 'pk',
  indexes: [],
  timeToLive: 'expiresAt',
  stream: false,
} as const satisfies TableSchema;

export const tables = { data: dataTable, outbox: outboxTable, idempotency: idempotencyTable } as const;
export type TableName = keyof typeof tables;
