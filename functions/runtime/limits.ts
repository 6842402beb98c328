/**
 * The limits of requests, commands and stored data, each with its reason; those of the way out are in
 * `delivery-limits.ts` and `topics.ts`. Infrastructure, handlers, OpenAPI and tests import them;
 * `test/unit/limits.unit.test.ts` asserts the relations between them.
 * Units stand last in a name (`timeoutMs`, `bodyMaxBytes`).
 */

/** What a caller may send. The values are the public contract. */
export const request = {
  /** Larger bodies are answered 413. */
  bodyMaxBytes: 64 * 1024,
  /** Places a refusal names: more than a person mends at once, and an answer of 16 KiB at most. */
  errorsMax: 20,
  /** RFC-draft idempotency keys: visible ASCII, bare or quoted. */
  idempotencyKeyMaxCharacters: 255,
  /** A command is answered within 10 s (guarantee G16). */
  deadlineMs: 10_000,
  /** What is kept back of the deadline to write the answer and cross the network. */
  deadlineReserveMs: 1_000,
  pageDefault: 20,
  pageMax: 100,
} as const;

/** How long a command that lost a race waits before it tries again, see `functions/commands/backoff.ts`. */
export const contention = {
  /** About the time of one transaction; where the last attempt took longer, its time counts. */
  windowBaseMs: 8,
  /** Each defeat means that more are waiting than the window has room for: 2, 8, 32, 128 attempts' times. */
  windowFactor: 4,
  /** Wide enough for some hundred waiting commands of the usual speed. */
  windowMaxMs: 1_000,
  /** Share of the time left that one wait may take, so that several tries are left where everything is slow. */
  windowShareOfRest: 0.3,
} as const;

/**
 * How many commands of one process may wait for others at once; one more is answered 503 `contended`. It matters where
 * a process has many requests (`npm start`). An execution environment on Lambda has one, so there the API function's
 * concurrency is the bound.
 */
export const waiters = {
  /**
   * As many as get a turn before their deadline, where a turn takes 36 ms: one read and one transaction. Where turns take
   * longer, it is told by how long they took lately (`functions/commands/turns.ts`).
   */
  perEntityMax: 250,
  /** Two crowded entities; the rest of the process is for other tenants. */
  perTenantMax: 500,
} as const;

/** How long an answer is kept for a key: the contract promises 24 hours at least. */
export const idempotency = {
  retentionSeconds: 25 * 60 * 60,
  /** Finished answers kept in one execution environment: 256 answers of at most 64 KiB are 16 MiB. */
  localCacheEntries: 256,
} as const;

export const field = {
  textMaxCharacters: 256,
  titleMaxCharacters: 500,
  longTextMaxCharacters: 20_000,
  /** Minor units. */
  amountMax: 1_000_000_000_000,
  listMaxEntries: 20,
} as const;

/** Balances stay exact integers in JavaScript: |balance| never passes 2^53 - 1. */
export const balanceMax = Number.MAX_SAFE_INTEGER;

/** Items over which an account may be spread. */
export const account = {
  /** One item is no spread. */
  spreadMin: 2,
  /** Of a named one. A balance is read in one request: DynamoDB takes 100 items a BatchGetItem. */
  spreadMax: 100,
  /**
   * Of one that lies on an entity. Each of its items has the entity's state, so one transaction writes them all with
   * whatever else a command writes.
   */
  sharesMax: 32,
  /** Of so many entities a process remembers how their accounts are spread. */
  rememberedMax: 10_000,
} as const;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
export const transaction = {
  itemsMax: 100,
  maxBytes: 4 * 1024 * 1024,
  /** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
  itemMaxBytes: 400 * 1024,
} as const;

/** `npm run migrate`, which works beside the callers. */
export const migration = {
  /** Commands at once: some 100 a second, a tenth of what one key of the index takes. */
  concurrency: 8,
  /** Entities of one page of its search, so that progress is told every few seconds. */
  pageEntities: 500,
} as const;

/** `npm run evolve -- --data`, which reads beside the callers. */
export const survey = {
  /** Entities of one page, so that progress is told every few seconds. */
  pageEntities: 500,
  /** Ledgers that are read at once. */
  concurrency: 8,
  /** Ledger entries that are folded unless told otherwise: a minute or two. */
  entriesMax: 100_000,
  /** Entities that are named for each reason; all are counted. */
  namedMax: 5,
} as const;

export const lock = {
  ttlMaxSeconds: 300,
  /** Ours have 22 (128 bits in base64url); longer ones in time to come fit as well. */
  tokenMaxCharacters: 64,
} as const;

const dayMs = 24 * 60 * 60 * 1000;

/** Attributes and messages of one command. */
export const message = {
  /**
   * How long one that is done is kept, with the personal data of its payload: a quarter of a year, in which most
   * disputes with a receiver come up. The ledger keeps topic, type and hash for good.
   */
  keptMs: 90 * dayMs,
  /** Of each text that a receiver gave back, as UTF-8; escaped in JSON it is six times as long at most. */
  resultMaxBytes: 4 * 1024,
  /** Attempts and inquiries that a message keeps, of all its runs: the newest ones, three runs of the usual policy. */
  callsMax: 16,
  /** Of the reason of each, as UTF-8. */
  callReasonMaxBytes: 256,
} as const;

/**
 * A character takes up to nine bytes of a key once it is encoded, and a sort key holds 1,024 bytes, a partition key
 * 2,048 along with an account's name of up to 1,024.
 */
export const tenant = { maxCharacters: 64 } as const;

/**
 * Who acts. OpenID Connect allows 255 ASCII characters, and an approver is whoever has that name. It is in no key as it
 * stands: an idempotency key's scope is hashed, a ledger entry keeps it as an attribute.
 */
export const subject = { maxCharacters: field.textMaxCharacters } as const;

export const apiFunction = {
  /** Above the request's deadline, so that the handler, not the platform, gives the answer. */
  timeoutSeconds: 15,
  memoryMb: 1024,
} as const;

/**
 * How a Lambda function reads a table's stream. Both bounds exist because their defaults are "for ever", and one
 * record that always fails then blocks its shard for a day. What is given up on goes to the `stream-failures`
 * queue as metadata only, and the sweeper sends the message from the outbox.
 */
export const eventStream = {
  /** Ten messages a SendMessageBatch: 100 records are well within the timeout. */
  batchSize: 100,
  /** A batch that fails is also cut in halves, and a cut does not count as an attempt. */
  retryAttempts: 5,
  /**
   * Records older than this, like those that were tried as often as that, are the sweeper's: it has sent the same
   * messages meanwhile. To try for longer would only send them all once more when the trouble is over, and a record that
   * fails by our own defect would block its shard for that time.
   */
  maxRecordAgeSeconds: 60 * 60,
  /** Concurrent batches of one shard; records of one partition key stay in order. */
  parallelizationFactor: 2,
  /**
   * Lines of statements and lists are gathered for a second and written together: they may lag, and say how far they are.
   * Without this Lambda hands on at once what it finds, four times a second and shard.
   * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
   */
  statementsWindowSeconds: 1,
} as const;

/**
 * Shares of Lambda's concurrency, which is one pool for all functions of an account in a Region: what waits in a request
 * would take from relays, workers and sweeper. A worker's share is its `maxConcurrency` (`topics.ts`), the api's stands
 * with its stage (`infra/cdk/stages.ts`). In prod that is 50 for the five workers, 60 for the relays, 4 for the clock's
 * two and 400 for the api: 514; in staging 194. An account of 1,000 that holds both has 292 left for all others.
 */
export const concurrency = {
  /** By default; a new account may have 10 or 50. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
  accountDefault: 1_000,
  /** What Lambda lets nobody reserve. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
  unreservedMin: 100,
  /** Ten shards, each with `eventStream.parallelizationFactor` batches at once; more wait, and the sweeper covers for them. */
  relay: 20,
  /** One run at a time, and one more for an event that came twice, or a run by hand. */
  scheduled: 2,
} as const;

export const relayFunction = { timeoutSeconds: 30, memoryMb: 256 } as const;

/**
 * A worker waits for its receiver, and is billed for that by its memory. In a process of its own, with the heap that Lambda
 * gives it at this size, none of the four took more than 125 MB, with batches of ten messages of 60 KB each, and the one that
 * calls had its first batch done in some three seconds on a ninth of a processor.
 */
export const workerFunction = { memoryMb: 192 } as const;

/** It waits for nobody, and carries redrives on: thousands of entries of an index at a time. */
export const timerFunction = { memoryMb: 256 } as const;

export const docsFunction = { timeoutSeconds: 5, memoryMb: 256 } as const;

/**
 * What Lambda does with an event of the clock. By itself it would run a failed one twice more, minutes later, and keep
 * one that it cannot start for six hours. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const clockEvent = {
  /** The next sweep does the work of one that failed, and an audit that failed is for people to look at. */
  retryAttempts: 0,
  /** The least that Lambda takes; by then the next sweep is due. */
  maxAgeSeconds: 60,
} as const;

export const sweeperFunction = {
  everyMinutes: 1,
  /** Shorter than the interval, so that two sweeps do not overlap. */
  timeoutSeconds: 50,
  memoryMb: 512,
} as const;

export const auditFunction = {
  /** Night in Europe and America; EventBridge rules run on UTC. */
  hourUtc: 3,
  /** The longest a Lambda function may run. */
  timeoutSeconds: 15 * 60,
  memoryMb: 1024,
} as const;

/** When people are told. */
export const alarmLimits = {
  /**
   * A message that waits longer than this is stuck rather than retried: five attempts of the standard policy end
   * within about a minute and a half. A receiver that asks for a long wait (`Retry-After`) sets it off too.
   */
  oldestMessageSeconds: 15 * 60,
  /** A timer's message waits in its queue until it is due, for up to 16 minutes (`timer.horizonSeconds`). */
  oldestTimerSeconds: 31 * 60,
  /** A relay that runs is a second behind; at a minute the sweeper begins to do its work. */
  iteratorAgeMs: 60_000,
  /** Half of the day for which a callback is waited for: there is time to ask the receiver's people. */
  oldestWaitingSeconds: 12 * 60 * 60,
  /** From one nightly audit to the end of the next it takes a day and a quarter of an hour. */
  auditMissingHours: 26,
  /**
   * A night audits every tenant, and the age is taken at its end. Two nights that fail or are too short are caught up
   * with; from the third on the audit does not keep pace with the data.
   */
  oldestAuditHours: 72,
} as const;
