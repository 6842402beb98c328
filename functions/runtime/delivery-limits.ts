/**
 * Limits of the way out (relay, workers, sweeper) and of the clients they use, each with its reason.
 * `test/unit/delivery-limits.unit.test.ts` asserts how they relate to the policies of the topics.
 */

/** A try that is lost costs one second where nobody connects and three where nobody answers; all stay below 10 s. */
export const database = {
  attempts: 3,
  connectionTimeoutMs: 1_000,
  requestTimeoutMs: 3_000,
  /** Requests of one client under way at once. More wait their turn, and their time does not run meanwhile. */
  connectionsMax: 50,
} as const;
export const queueService = {
  attempts: 3,
  connectionTimeoutMs: 1_000,
  requestTimeoutMs: 3_000,
  /** Between two tries of a send, doubled each time, half of it by chance; the client's own tries wait alike. */
  pauseMs: 100,
} as const;

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

/**
 * What a worker asks of AWS around the call of its receiver: a claim before it, a record and a hidden delivery after it.
 * Each of them is over after this long, with all its tries, so that the worst delivery ends within its function's time.
 * A function that is cut off would fail its whole batch, and keep it hidden for the queue's timeout. What is given up
 * here comes again: a claim soon, a record when the lease is over, with the same idempotency key.
 */
export const workerCall = {
  databaseMs: 3_000,
  /** Three tries fit: DynamoDB answers within some 10 ms. */
  databaseRequestTimeoutMs: 900,
  /** To hide a delivery takes two, once the queue's URL has to be asked for. */
  queueMs: 1_000,
  /** For the transition that an answer brings about. One that meets a crowd waits, and its delivery comes again. */
  answerMs: 2_000,
} as const;

export const lease = {
  /**
   * A claim holds for the call's timeout and this much more: at least as long as its function can live, so that
   * two calls of one message never overlap, whatever becomes of a worker.
   */
  marginMs: 20_000,
} as const;

/** What is done about a receiver that took a message, or may have acted on it. */
export const uncertainty = {
  /** The contract: a callback is waited for this long, and inquiries go on as long. */
  waitingMaxMs: 24 * 60 * 60 * 1000,
  /**
   * A receiver that has never seen a message is believed once this long has passed since the last call ended: until
   * then the call may still be on its way, in the network or in a gateway before the receiver.
   */
  onItsWayMs: 10_000,
  /**
   * Inquiries that are made in any case, also after a callback was waited for in vain. With 1, 2, 4 and at most 60 s
   * between they take about five minutes. Those after them are begun by the sweeper, at ever longer intervals.
   */
  inquiriesMin: 10,
} as const;

/** https://www.standardwebhooks.com: a callback that is older, or from further ahead, is not taken. */
export const callback = {
  signatureMaxAgeMs: 5 * 60 * 1000,
  /** Of all receivers together. A signature is checked before anything is read, so a flood costs little. */
  ratePerSecond: 50,
  burst: 100,
} as const;

export const delivery = {
  /** SQS: 10 entries a batch request. */
  sendBatchSize: 10,
  /** SQS: a message is delayed by 15 minutes at most. */
  delayMaxSeconds: 900,
  /** SQS: a message is hidden for 12 hours at most, counted from its receipt; a minute is left for that. */
  visibilityMaxSeconds: 12 * 60 * 60 - 60,
  /** Writes at once of a redrive in bulk, or of a step of a redrive run: below the SDK's 50 sockets. */
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
  /** Parts of the index of open messages that are gone through beside each other. */
  segments: 8,
  /** Open messages of one segment that are looked at at once: with eight segments 2,000, a few seconds of work. */
  pageSize: 250,
  /** Marks at once of one segment: with eight segments below the SDK's 50 sockets. */
  writesPerSegment: 6,
  /** Time kept back of the function's for the pages that are under way. */
  reserveMs: 10_000,
  /**
   * Messages for one queue in one run, each of which may lie there already. A copy costs a refused claim, some 10 ms of a
   * worker, so 20,000 a minute take about 4 s of each of the ten workers of a queue: less than a tenth of what a queue
   * that is merely slow can do. 100,000 that the relay or a queue has lost are sent again within five runs.
   */
  copiesPerQueue: 20_000,
  /**
   * Scheduled transitions, overdue or not, that one request reads to know of all: 10 KB. Only where more wait are the
   * partitions of their index asked, one by one: with this read 129 requests a minute, 66 read units, 35 cents a month.
   */
  fewTimers: 100,
  /** Partitions of the index of due times that are asked at once. */
  timerShardsAtOnce: 16,
  /** Overdue timers of one shard that are looked at at once, the longest overdue first: some 8,000 of all. */
  timersPerShard: 64,
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

/** A redrive as a rollout, see `functions/workers/redrive-run.ts`. */
export const redriveRun = {
  startWithDefault: 5,
  factorDefault: 4,
  factorMax: 100,
  stopAtFailureShareDefault: 0.2,
  /**
   * Messages of one step: some seconds of writes, so that it fits into one delivery of the timer's worker, and as many
   * as ten workers call in some seconds. A step is not begun before the one before has ended.
   */
  stepMax: 1_000,
  /** Messages of one item of the list: 50 bytes each, so 50 KB. No page looks at more than there is room for. */
  listItemMax: 1_000,
  /**
   * Entries of the index that one delivery, or the request that begins the run, looks at for the list: twenty pages where
   * nothing fits, a second on AWS.
   */
  listPartEntries: 20_000,
  /** Of a delivery of the timer's worker, whose function has 30 s: it begins no further write after that. */
  budgetMs: 10_000,
  /** A step is looked at after this, and then after an eighth of its age. */
  lookMinMs: 1_000,
  lookMaxMs: 60_000,
  lookShareOfAge: 1 / 8,
  /** For how long a run that was stopped still looks at what is on its way, so that its numbers come true. */
  lookAfterStopMs: 60 * 60 * 1000,
  /** Tries to stop a run that is carried on at the same moments: it is written once a second. */
  stopTries: 5,
  /** Steps that a run shows: the newest. */
  stepsKept: 50,
  /** Sizes of steps that a preview tells. */
  stepsShown: 100,
  /** How long the list of its messages is kept: as long as a message that is done. */
  listKeptMs: 90 * 24 * 60 * 60 * 1000,
} as const;

/** What one request for the groups of dead messages reads. */
export const deadGroups = {
  /** Messages, of which only the index is read: five pages, a second on AWS. 100,000 are counted by five requests. */
  messagesMax: 20_000,
} as const;

/** What one request for a list reads, so that a filter that fits little still answers in time. */
export const list = {
  /** Entries of the index, 200 to 400 bytes each: 16 MB at most, 2,000 read units. */
  entriesMax: 40_000,
  /** Of all partitions together that one page asks. */
  entriesPerPage: 200,
  /** Each page of one list looks at so many times as many as the one before, up to a bound. */
  pageGrowth: 4,
  /** 400 KB at most of each of the four partitions; a request to DynamoDB reads one megabyte. */
  entriesPerPageMax: 4_000,
  /** Share of its time after which it begins no further part: the rest is for the call under way and for the items. */
  shareOfTime: 0.5,
} as const;
