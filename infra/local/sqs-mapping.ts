import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  type Message,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { readFilters } from './event-pattern.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { Log } from './log.ts';

export interface SqsMappingOptions {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly region: string;
  readonly target: LambdaFunction;
  /** Resolved properties of the `AWS::Lambda::EventSourceMapping`. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** How many messages a receive would find now; absent for a server outside, which is asked by long polls. */
  readonly visibleMessages?: (queueUrl: string) => number;
  readonly log: Log;
}

/** A mapping that runs until it is stopped. */
export interface Mapping {
  /** Takes nothing in any more and waits for what runs, which is bounded by the function's timeout. */
  stop(): Promise<void>;
}

/** How often an empty queue of this process is looked at. */
const idleMs = 20;
/** One receive of SQS gives ten messages at most. */
const receiveMax = 10;
/** Where the template sets no `MaximumConcurrency`; on AWS it would be that of the account. */
const defaultConcurrency = 10;

/**
 * An SQS event source: receives, invokes, deletes what succeeded. What failed is left to its visibility timeout
 * and the queue's redrive policy, as on AWS.
 */
export function startSqsMapping(options: SqsMappingOptions): Mapping {
  const { properties, queueUrl, visibleMessages, log, target } = options;
  const scaling = properties['ScalingConfig'] as { MaximumConcurrency?: number } | undefined;
  const maximumConcurrency = scaling?.MaximumConcurrency ?? defaultConcurrency;
  const batchSize = Math.min(Number(properties['BatchSize'] ?? receiveMax), receiveMax);
  const running = new Set<Promise<void>>();
  let stopped = false;

  async function poll(): Promise<void> {
    while (!stopped) {
      if (running.size >= maximumConcurrency) {
        await Promise.race(running);
        continue;
      }
      const visible = visibleMessages?.(queueUrl) ?? Number.POSITIVE_INFINITY;
      if (visible === 0) {
        await pause(idleMs);
        continue;
      }
      try {
        const messages = await receive(options, Math.min(batchSize, visible));
        if (messages.length > 0) {
          const run = deliver(options, messages).finally(() => running.delete(run));
          running.add(run);
        }
      } catch (error) {
        if (isStopped()) break;
        log(target.configuration.name, `receiving from ${queueUrl} failed: ${String(error)}`);
        await pause(1_000);
      }
    }
  }
  const isStopped = (): boolean => stopped;
  const polling = poll();
  return {
    stop: async () => {
      stopped = true;
      await polling;
      await Promise.all(running);
    },
  };
}

async function receive(options: SqsMappingOptions, count: number): Promise<Message[]> {
  const { Messages = [] } = await options.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: options.queueUrl,
      MaxNumberOfMessages: count,
      // The embedded server wakes a long poll late and repeats messages in it, so it is only asked when it has some.
      WaitTimeSeconds: options.visibleMessages === undefined ? 1 : 0,
      // The embedded server does not know the newer name yet; the service knows both.
      // oxlint-disable-next-line typescript/no-deprecated
      AttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

async function deliver(options: SqsMappingOptions, messages: readonly Message[]): Promise<void> {
  const { log, target } = options;
  try {
    const passes = readFilters(options.properties['FilterCriteria']);
    const records = messages.map((message) => toRecord(message, options));
    const wanted = records.filter((record) => passes({ ...record, body: parsed(record.body) }));
    const failed = wanted.length === 0 ? new Set<string>() : await failedOf(options, wanted);
    // Messages a filter turns away are deleted, as Lambda does.
    await remove(
      options,
      messages.filter((message) => !failed.has(message.MessageId ?? '')),
    );
  } catch (error) {
    log(target.configuration.name, `a batch of ${options.queueUrl} was not finished: ${String(error)}`);
  }
}

/** Invokes the function and tells which message ids come back. */
async function failedOf(options: SqsMappingOptions, records: readonly SqsRecord[]): Promise<Set<string>> {
  const { log, target, properties } = options;
  const all = new Set(records.map((record) => record.messageId));
  const invocation = await target.invoke({ Records: records });
  if (!invocation.ok) {
    log(
      target.configuration.name,
      `invocation failed: ${invocation.error.errorType}: ${invocation.error.errorMessage}`,
    );
    return all;
  }
  if (!reportsItemFailures(properties)) return new Set();
  const failures = itemFailures(invocation.payload);
  // An answer that names no known message, or has no right form, fails the whole batch.
  return failures === undefined || failures.some((id) => !all.has(id)) ? all : new Set(failures);
}

export function reportsItemFailures(properties: Readonly<Record<string, unknown>>): boolean {
  const types = properties['FunctionResponseTypes'] as readonly string[] | undefined;
  return types?.includes('ReportBatchItemFailures') === true;
}

/**
 * Reads a partial batch response. An empty or absent list is full success.
 * @returns undefined when the answer has another form, which fails the batch.
 */
export function itemFailures(payload: unknown): string[] | undefined {
  if (payload === null || payload === undefined) return [];
  const failures = (payload as { batchItemFailures?: unknown }).batchItemFailures;
  if (failures === null || failures === undefined) return [];
  if (!Array.isArray(failures)) return undefined;
  const identifiers = failures.map(
    (failure) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier,
  );
  return identifiers.every((id): id is string => typeof id === 'string' && id !== '')
    ? identifiers
    : undefined;
}

async function remove(options: SqsMappingOptions, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  await options.sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: options.queueUrl,
      Entries: messages.map((message, index) => ({
        Id: String(index),
        ReceiptHandle: message.ReceiptHandle,
      })),
    }),
  );
}

interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly md5OfBody: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

/** The record as Lambda sends it: names in lower camel case, binary values as base64. */
export function toRecord(message: Message, source: { queueArn: string; region: string }): SqsRecord {
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]) => [
        name,
        {
          ...(attribute.StringValue !== undefined && { stringValue: attribute.StringValue }),
          ...(attribute.BinaryValue !== undefined && {
            binaryValue: Buffer.from(attribute.BinaryValue).toString('base64'),
          }),
          stringListValues: [],
          binaryListValues: [],
          dataType: attribute.DataType,
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: source.queueArn,
    awsRegion: source.region,
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
