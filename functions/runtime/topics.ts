/**
 * The retry policy of every topic, as one table. One topic is one queue, one dead-letter queue and one worker.
 * `test/unit/delivery-limits.unit.test.ts` asserts how the numbers must relate.
 */

/** The topics a domain may send to. */
export const topics = ['notification', 'external-call', 'report', 'llm'] as const;
export type Topic = (typeof topics)[number];

export interface TopicPolicy {
  /** Calls to the receiver before the message is dead. */
  readonly attempts: number;
  /** Wait after the first failure. */
  readonly baseDelayMs: number;
  /** Each further wait is the last one times this. */
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of a wait that is random, 0 to 1: a wait w becomes w * (1 - jitter/2 + random * jitter). */
  readonly jitter: number;
  /** A call that takes longer has failed. */
  readonly callTimeoutMs: number;
  /** The Lambda's timeout; above `callTimeoutMs`, so that the worker itself records the failure. */
  readonly functionTimeoutSeconds: number;
  readonly batchSize: number;
  /** Concurrent batches of the event source mapping; AWS allows 2 at the least. */
  readonly maxConcurrency: number;
}

const standard: TopicPolicy = {
  attempts: 5,
  baseDelayMs: 1_000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: 0.4,
  callTimeoutMs: 10_000,
  functionTimeoutSeconds: 30,
  batchSize: 10,
  maxConcurrency: 10,
};

export const topicPolicies: Readonly<Record<Topic, TopicPolicy>> = {
  notification: standard,
  'external-call': standard,
  report: standard,
  llm: standard,
};

/**
 * The policy of the internal `timer` queue, whose worker runs a scheduled transition as a command. A call here is
 * a command of ours, so its bound is the command's deadline (10 s, `request.deadlineMs`).
 */
export const timerPolicy: TopicPolicy = standard;

/** The longest wait a receiver's `Retry-After` may ask for: SQS hides a message for 12 hours at most. */
export const retryAfterMaxMs = 60 * 60 * 1000;

export const queue = {
  /** AWS: a queue's visibility timeout is at least six times its function's timeout. */
  visibilityPerFunctionTimeout: 6,
  /**
   * How often SQS hands out a message before it moves it to the dead-letter queue. The worker counts its attempts in the
   * message's record; once that is dead it hands the delivery back at once until SQS moves it, because a move task
   * only takes back what SQS itself has moved. So this stands above twice every policy's attempts (some servers
   * count a changed visibility as well), and not far above.
   */
  maxReceiveCount: 12,
  retentionDays: 4,
  /** On a standard queue a dead letter keeps its original age, so it is kept longer than its source. */
  deadLetterRetentionDays: 14,
} as const;
