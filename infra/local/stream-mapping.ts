import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Doorbell } from './doorbell.ts';
import { readFilters } from './event-pattern.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { Log } from './log.ts';
import { itemFailures, reportsItemFailures, type Mapping } from './sqs-mapping.ts';
import { processBatch, type BatchRecord, type DiscardReason, type StreamPolicy } from './stream-batch.ts';
import { StreamReader } from './stream-reader.ts';
import type { GetRecords, WireRecord } from './stream-records.ts';

export interface StreamMappingOptions {
  readonly streams: DynamoDBStreamsClient;
  /** Of the embedded database; see `DynamoDbLocal`. */
  readonly getRecords?: GetRecords | undefined;
  /** Rings when somebody has probably written. */
  readonly news?: Doorbell | undefined;
  readonly sqs: SQSClient;
  readonly streamArn: string;
  readonly region: string;
  readonly target: LambdaFunction;
  /** Resolved properties of the `AWS::Lambda::EventSourceMapping`. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** Where to begin instead of the mapping's own position. */
  readonly startAt?: 'LATEST';
  readonly queueUrlByArn: (arn: string) => string | undefined;
  readonly log: Log;
}

/** DynamoDB Local writes the beginning of the minute into a record, which makes it look up to a minute older. */
const stampGranularityMs = 60_000;

/** A stream event source. It has taken its place in the stream when this returns. */
export async function startStreamMapping(options: StreamMappingOptions): Promise<Mapping> {
  const { properties, target, log } = options;
  const passes = readFilters(properties['FilterCriteria']);
  const policy = readPolicy(properties);
  let stopped = false;
  const wait = async (ms: number): Promise<boolean> => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return !stopped;
  };
  const reader = new StreamReader({
    client: options.streams,
    getRecords: options.getRecords,
    news: options.news,
    streamArn: options.streamArn,
    batchSize: Number(properties['BatchSize'] ?? 100),
    gatherMs: Number(properties['MaximumBatchingWindowInSeconds'] ?? 0) * 1_000,
    onError: (error) => {
      if (!stopped) log(target.configuration.name, `reading the stream failed: ${String(error)}`);
    },
    process: async ({ shardId, records }) => {
      const wanted = records.map((record) => toStreamRecord(record, options)).filter(passes);
      if (wanted.length === 0) return !stopped;
      return await processBatch(wanted, policy, {
        invoke: (batch) => invoke(options, batch),
        discard: (batch, reason, invocations) => discard(options, shardId, batch, reason, invocations),
        now: () => Date.now() - stampGranularityMs,
        wait,
      });
    },
  });
  const position = properties['StartingPosition'] === 'LATEST' ? 'LATEST' : 'TRIM_HORIZON';
  await reader.start(options.startAt ?? position);
  return {
    stop: async () => {
      stopped = true;
      await reader.stop();
    },
  };
}

function readPolicy(properties: Readonly<Record<string, unknown>>): StreamPolicy {
  return {
    maximumRetryAttempts: Number(properties['MaximumRetryAttempts'] ?? -1),
    maximumRecordAgeSeconds: Number(properties['MaximumRecordAgeInSeconds'] ?? -1),
    bisectBatchOnFunctionError: properties['BisectBatchOnFunctionError'] === true,
    reportBatchItemFailures: reportsItemFailures(properties),
  };
}

async function invoke(
  options: StreamMappingOptions,
  records: readonly StreamRecord[],
): Promise<readonly string[] | undefined> {
  const { target, log } = options;
  const invocation = await target.invoke({ Records: records });
  if (invocation.ok) return itemFailures(invocation.payload);
  log(
    target.configuration.name,
    `invocation failed: ${invocation.error.errorType}: ${invocation.error.errorMessage}`,
  );
  return undefined;
}

/** Sends what Lambda sends to an on-failure destination: where the records are, not the records themselves. */
async function discard(
  options: StreamMappingOptions,
  shardId: string,
  records: readonly BatchRecord[],
  condition: DiscardReason,
  invocations: number,
): Promise<void> {
  const { properties, target, log, sqs } = options;
  const numbers = records.map((record) => record.dynamodb.SequenceNumber);
  log(
    target.configuration.name,
    `${records.length} stream records given up (${condition}): ${numbers.join(', ')}`,
  );
  const destination = properties['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined;
  const url = options.queueUrlByArn(destination?.OnFailure?.Destination ?? '');
  if (url === undefined) return;
  const times = records.map((record) => new Date(record.dynamodb.ApproximateCreationDateTime * 1_000));
  const body = {
    requestContext: {
      functionArn: target.configuration.arn,
      condition,
      approximateInvokeCount: invocations,
    },
    version: '1.0',
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: numbers[0],
      endSequenceNumber: numbers.at(-1),
      approximateArrivalOfFirstRecord: times[0]?.toISOString(),
      approximateArrivalOfLastRecord: times.at(-1)?.toISOString(),
      batchSize: records.length,
      streamArn: options.streamArn,
    },
  };
  await sqs
    .send(new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify(body) }))
    .catch((error: unknown) => {
      log(target.configuration.name, `the on-failure destination was not reached: ${String(error)}`);
    });
}

export interface StreamRecord extends BatchRecord {
  readonly eventID: string;
  readonly eventName: string;
  readonly eventVersion: string;
  readonly eventSource: 'aws:dynamodb';
  readonly awsRegion: string;
  readonly eventSourceARN: string;
}

/** The record as Lambda sends it: what the stream says, in whole seconds, and where it comes from. */
export function toStreamRecord(
  { eventID = '', eventName = '', eventVersion = '1.1', dynamodb = {} }: WireRecord,
  source: { readonly streamArn: string; readonly region: string },
): StreamRecord {
  return {
    eventID,
    eventName,
    eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: source.region,
    dynamodb: {
      ...dynamodb,
      ApproximateCreationDateTime: Math.floor(dynamodb.ApproximateCreationDateTime ?? 0),
      SequenceNumber: dynamodb.SequenceNumber ?? '',
    },
    eventSourceARN: source.streamArn,
  };
}
