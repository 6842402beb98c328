import type { Message } from '@aws-sdk/client-sqs';
import { readFilters } from './event-pattern.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { Log } from './log.ts';
import type { QueueSource } from './queue-source.ts';

export interface SqsMappingOptions {
  readonly source: QueueSource;
  readonly queueArn: string;
  readonly region: string;
  readonly target: LambdaFunction;
  /** Resolved properties of the `AWS::Lambda::EventSourceMapping`. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly log: Log;
  /** Told when an invocation is over. */
  readonly onDelivered?: () => void;
}

/** A mapping that runs until it is stopped. */
export interface Mapping {
  /** Takes nothing in any more and waits for what runs, which is bounded by the function's timeout. */
  stop(): Promise<void>;
}

/** One receive of SQS gives ten messages at most. */
const receiveMax = 10;
/** Where the template sets no `MaximumConcurrency`; on AWS it would be that of the account. */
const defaultConcurrency = 10;

/**
 * An SQS event source: receives, invokes, deletes what succeeded. What failed is left to its visibility timeout
 * and the queue's redrive policy, as on AWS.
 */
export function startSqsMapping(options: SqsMappingOptions): Mapping {
  const { properties, source, queueArn, log, target } = options;
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
      try {
        const messages = await source.receive(batchSize);
        if (messages.length > 0) {
          const run = deliver(options, messages).finally(() => running.delete(run));
          running.add(run);
        }
      } catch (error) {
        if (isStopped()) break;
        log(target.configuration.name, `receiving from ${queueArn} failed: ${String(error)}`);
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

async function deliver(options: SqsMappingOptions, messages: readonly Message[]): Promise<void> {
  const { log, target } = options;
  try {
    const passes = readFilters(options.properties['FilterCriteria']);
    const records = messages.map((message) => toRecord(message, options));
    const wanted = records.filter((record) => passes({ ...record, body: parsed(record.body) }));
    const failed = wanted.length === 0 ? new Set<string>() : await failedOf(options, wanted);
    // Messages a filter turns away are deleted, as Lambda does.
    const done = messages.filter((message) => !failed.has(message.MessageId ?? ''));
    if (done.length > 0) await options.source.remove(done);
  } catch (error) {
    log(target.configuration.name, `a batch of ${options.queueArn} was not finished: ${String(error)}`);
  }
}

/** Invokes the function and tells which message ids come back. */
async function failedOf(options: SqsMappingOptions, records: readonly SqsRecord[]): Promise<Set<string>> {
  const { log, target, properties } = options;
  const all = new Set(records.map((record) => record.messageId));
  const invocation = await target.invoke({ Records: records });
  options.onDelivered?.();
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
