import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Doorbell } from './doorbell.ts';
import type { Functions } from './functions.ts';
import type { Log } from './log.ts';
import { queueOver } from './queue-source.ts';
import type { QueueSource } from './queue-source.ts';
import type { Resolver } from './resolver.ts';
import { failedAt } from './service-error.ts';
import { startSqsMapping, type Mapping } from './sqs-mapping.ts';
import { startStreamMapping } from './stream-mapping.ts';
import type { GetRecords } from './stream-records.ts';
import { resourcesOf, served, type Template } from './template.ts';

export interface MappingSources {
  readonly sqs: SQSClient;
  readonly streams: DynamoDBStreamsClient;
  /** Of the embedded database; see `DynamoDbLocal`. */
  readonly getRecords?: GetRecords | undefined;
  /** Rings when a function has probably written. */
  readonly news: Doorbell;
  readonly region: string;
  /** ARN -> URL. */
  readonly queues: ReadonlyMap<string, string>;
  /** Of the embedded SQS server; see `SqsServer`. */
  readonly queueSource?: (queueUrl: string) => QueueSource;
  /** Begin at the end of streams that were there before this start. */
  readonly resumed: boolean;
  readonly log: Log;
}

/** Starts every enabled event source mapping of the template; all have taken their place when this returns. */
export async function startMappings(
  template: Template,
  resolver: Resolver,
  functions: Functions,
  sources: MappingSources,
): Promise<Mapping[]> {
  const enabled = resourcesOf(template, served.mapping)
    .map(([logicalId, { Properties }]) => ({
      logicalId,
      properties: resolver.resolve(Properties) as Record<string, unknown>,
    }))
    .filter(({ properties }) => properties['Enabled'] !== false);
  return await Promise.all(
    enabled.map(({ logicalId, properties }) => startMapping(logicalId, properties, functions, sources)),
  );
}

async function startMapping(
  logicalId: string,
  properties: Readonly<Record<string, unknown>>,
  functions: Functions,
  { region, log, queues, sqs, streams, getRecords, news, queueSource, resumed }: MappingSources,
): Promise<Mapping> {
  const sourceArn = String(properties['EventSourceArn']);
  const target = functions.byArn(toArn(String(properties['FunctionName']), functions));
  const common = { region, target, properties, log };
  const queueUrl = queues.get(sourceArn);
  if (queueUrl !== undefined) {
    return startSqsMapping({
      ...common,
      source: queueSource?.(queueUrl) ?? queueOver(sqs, queueUrl),
      queueArn: sourceArn,
      onDelivered: () => {
        news.ring();
      },
    });
  }
  if (!sourceArn.includes('/stream/')) throw new Error(`mapping ${logicalId} has an unknown event source`);
  return await startStreamMapping({
    ...common,
    sqs,
    streams,
    getRecords,
    news,
    streamArn: sourceArn,
    queueUrlByArn: (arn) => queues.get(arn),
    // What the stream held before is recovered from the outbox, not by reading a day's history again.
    ...(resumed && { startAt: 'LATEST' as const }),
  }).catch(failedAt('DYNAMODB'));
}

/** A mapping names its function by name or by ARN. */
function toArn(name: string, functions: Functions): string {
  if (name.startsWith('arn:')) return name;
  const found = functions.all().find((candidate) => candidate.configuration.arn.endsWith(`:${name}`));
  return found?.configuration.arn ?? name;
}
