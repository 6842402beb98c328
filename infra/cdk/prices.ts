/**
 * List prices of us-east-1 in US dollars, each with where it stands. Collected in November 2026 from what others
 * quote of these pages, which fill their tables by script: look there before you rely on one. Used by the
 * dashboard's estimate, the explain tool and the price list. What is not counted: storage, data transfer, tracing,
 * logs, mail and models, the other side of an outbound call, the start of a function (billed as its running time),
 * the state that durable functions keep, and the free tier.
 */
export const prices = {
  /** HTTP API. https://aws.amazon.com/api-gateway/pricing/ */
  apiRequest: 1.0 / 1e6,
  /** https://aws.amazon.com/lambda/pricing/ */
  functionInvocation: 0.2 / 1e6,
  /** arm64. https://aws.amazon.com/lambda/pricing/ */
  functionGbSecond: 0.0000133334,
  /** On demand; an index is written at the same price. https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  tableWriteUnit: 0.625 / 1e6,
  tableReadUnit: 0.125 / 1e6,
  /**
   * Lambda's reads of a table's stream are not charged. https://aws.amazon.com/dynamodb/pricing/on-demand/
   */
  streamRead: 0,
  /**
   * Standard queue, and what fair queues add for messages with a group, which all of ours have; a batch of ten counts
   * as one. https://aws.amazon.com/sqs/pricing/; the addition as https://cloudburn.io/blog/amazon-sqs-pricing has it.
   */
  queueRequest: (0.4 + 0.1) / 1e6,
  /** Standard workflows. https://aws.amazon.com/step-functions/pricing/ */
  stepFunctionsTransition: 25 / 1e6,
  /** https://aws.amazon.com/lambda/pricing/, durable functions */
  durableOperation: 8 / 1e6,
} as const;

/** When the prices were read. */
export const pricesAsOf = '2026-11';

/** A function gets a share of a processor by its memory. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const memoryOfOneProcessorMb = 1_769;

/** What is not measured here: it depends on the region's network, and on receivers. */
export const assumptions = {
  /** One request to DynamoDB or SQS from a function of the same region. */
  requestMs: 5,
  /** What a worker waits for mail, webhook, object store or model. */
  receiverMs: 200,
  /** Handler CPU a command of the stock pattern, 2.6 to 3.1 ms by one caller (`npm run bench -- --only handlers`, 2026-11-27). */
  stockCpuMs: 3,
} as const;
