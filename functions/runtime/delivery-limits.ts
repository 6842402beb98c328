/**
 * Limits of the way out (relay, workers, sweeper) and of the clients they use, each with its reason.
 * `test/unit/delivery-limits.unit.test.ts` asserts how they relate to the policies of the topics.
 */

/** A request that is lost costs a second and a retry, and all attempts together stay below 10 s. */
export const database = { attempts: 3, connectionTimeoutMs: 1_000, requestTimeoutMs: 3_000 } as const;
export const queueService = { attempts: 3, connectionTimeoutMs: 1_000, requestTimeoutMs: 3_000 } as const;

/** Items read by their keys, or put, many at once; what the service leaves out of them is asked for again. */
export const batch = {
  /** DynamoDB: 100 items a BatchGetItem. */
  keysMax: 100,
  /** DynamoDB: 25 items a BatchWriteItem. */
  putsMax: 25,
  /** What is left out was throttled: the first pause, which doubles while a request brings nothing. */
  pauseMs: 100,
  pauseMaxMs: 1_000,
  /** Requests in a row that brought nothing; who has a deadline goes on until it passes. */
  fruitlessMax: 4,
} as const;

export const lease = {
  /**
   * A claim holds for the call's timeout and this much more: at least as long as its function can live, so that
   * two calls of one message never overlap, whatever becomes of a worker.
   */
  marginMs: 10_000,
} as const;

export const delivery = {
  /** SQS: 10 entries a batch request. */
  sendBatchSize: 10,
  /** SQS: a message is delayed by 15 minutes at most. */
  delayMaxSeconds: 900,
  /** SQS: a message is hidden for 12 hours at most, counted from its receipt; a minute is left for that. */
  visibilityMaxSeconds: 12 * 60 * 60 - 60,
  /** Writes at once of one relay or sweeper run: below the SDK's 50 sockets. */
  writeConcurrency: 25,
  /** First and longest wait after a delivery that failed before its message could be claimed (AWS itself failed). */
  faultBaseSeconds: 2,
  faultMaxSeconds: 120,
} as const;

export const sweep = {
  /** A message is looked after once it is older than this: relay and queue normally take below 2 s. */
  graceSeconds: 120,
  /** A scheduled transition is overdue when its time is past by this much. */
  timerGraceSeconds: 30,
  /** Index entries read of one shard in one run; the next run goes on where this one stopped. */
  entriesPerShard: 5_000,
  /** Messages sent to one queue in one run: seconds of work, and 120,000 an hour after a relay was broken. */
  sendsPerQueue: 2_000,
  /** Overdue timers of one shard in one run, the longest overdue first: 40,000 in all, a few ten seconds of work. */
  timersPerShard: 5_000,
} as const;

export const timer = {
  /**
   * A timer that is due within this goes to the queue at once, delayed by SQS (15 minutes at most) and hidden for
   * the rest, which is there for clocks that differ. One that is further away stays in the table, and the sweeper
   * sends it when it is overdue. In the queue it would have to be hidden again and again, would count as a message
   * that waits too long and against the 120,000 that may be in flight, and would be gone after the queue's retention.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
   */
  horizonSeconds: 16 * 60,
} as const;

export const redrive = {
  /** What one request to redrive in bulk takes on, so that it answers in time. */
  bulkDefault: 100,
  bulkMax: 1_000,
} as const;

/** What one request for a list reads, so that a filter that fits little still answers in time. */
export const list = {
  /** Entries of the index. */
  entriesMax: 2_000,
  entriesPerQuery: 200,
  /** Share of its time after which it begins no further part: the rest is for the call under way and for the items. */
  shareOfTime: 0.5,
} as const;
