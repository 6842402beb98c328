import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { JSONWebKeySet } from 'jose';
import { Doorbell } from './doorbell.ts';
import { Functions } from './functions.ts';
import { startGateway, type Gateway, type GatewayRoute } from './gateway.ts';
import { readHttpApi } from './http-api.ts';
import type { JwtAuthorizer } from './jwt-authorizer.ts';
import type { FunctionConfiguration, Invocation } from './lambda-function.ts';
import type { Log } from './log.ts';
import { startMappings } from './mappings.ts';
import { provision } from './provision.ts';
import type { QueueSource } from './queue-source.ts';
import { Resolver } from './resolver.ts';
import { startSchedules } from './schedules.ts';
import type { Mapping } from './sqs-mapping.ts';
import { localAccountId } from './sqs.ts';
import type { GetRecords } from './stream-records.ts';
import { assertSupported, type Template } from './template.ts';

export interface StackOptions {
  readonly template: Template;
  /** The cloud assembly's folder, where the functions' code lies. */
  readonly assetDirectory: string;
  /** Begins the names of tables and queues that the template leaves open. */
  readonly stackName: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly dynamodbEndpoint: string;
  /** Of the embedded database; see `DynamoDbLocal`. */
  readonly getRecords?: GetRecords | undefined;
  readonly sqsEndpoint: string;
  /** An S3 server of the caller's, on which buckets have to be made. */
  readonly bucketEndpoint?: string;
  /** Of the embedded SQS server; see `SqsServer`. */
  readonly queueSource?: (queueUrl: string) => QueueSource;
  /** Variables every function gets; they stand above those of the template. */
  readonly environment: Readonly<Record<string, string>>;
  /** Public keys the JWT authorizer trusts. */
  readonly tokenKeys: JSONWebKeySet;
  /** Accepts tokens beside those of the template's issuer. */
  readonly moreTokens?: JwtAuthorizer;
  /** Served beside the template's own. */
  readonly localRoutes?: readonly GatewayRoute[];
  /** 0 takes a free port. Without one nothing is taken in: no HTTP, no mappings, no schedules. */
  readonly port?: number;
  /** Run once when the tables were there before: what the memory queues held is sent again. */
  readonly afterRestart?: { readonly functionName: string; readonly event: unknown };
  readonly log: Log;
}

export interface Stack {
  /** `http://127.0.0.1:<port>`, or undefined without a port. */
  readonly url: string | undefined;
  /** Whether the tables were there before this start. */
  readonly resumed: boolean;
  readonly functions: readonly FunctionConfiguration[];
  /** Runs one function by its short name. Throws where there is none of that name. */
  invoke(functionName: string, event: unknown): Promise<Invocation>;
  /** Stops intake, lets what runs end for a while, stops everything this stack started. */
  stop(): Promise<void>;
}

/** How long a stop waits for requests and invocations that run. */
const drainMs = 5_000;

/**
 * Serves a synthesized template on one machine: what is not in it is not there.
 * @throws StartError when the port is taken; any other error names what the template asks for and is not known.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { template, region, credentials, log, stackName } = options;
  assertSupported(template);
  const dynamodb = new DynamoDBClient({ endpoint: options.dynamodbEndpoint, region, credentials });
  const streams = new DynamoDBStreamsClient({ endpoint: options.dynamodbEndpoint, region, credentials });
  const sqs = new SQSClient({ endpoint: options.sqsEndpoint, region, credentials });
  const resolver = new Resolver(template, { region, accountId: localAccountId, stackName });
  const { existed, queues, buckets } = await provision(template, resolver, { dynamodb, sqs }, stackName);
  if (options.bucketEndpoint !== undefined) {
    const { provideBuckets } = await import('./buckets.ts');
    await provideBuckets(buckets, { endpoint: options.bucketEndpoint, region, credentials }, log);
  }
  const functions = new Functions(template, resolver, {
    assetDirectory: options.assetDirectory,
    region,
    accountId: localAccountId,
    environment: options.environment,
    log,
  });
  const routes = readHttpApi(template, resolver, functions, options.tokenKeys, options.moreTokens);

  const intake: Mapping[] = [];
  const news = new Doorbell();
  let gateway: Gateway | undefined;
  const stop = async (): Promise<void> => {
    const intakeStopped = Promise.all(intake.map((source) => source.stop()));
    await gateway?.stop(drainMs);
    await Promise.all(functions.all().map((each) => each.stop(drainMs)));
    await intakeStopped;
    for (const client of [dynamodb, streams, sqs]) client.destroy();
  };
  const invoke = async (functionName: string, event: unknown): Promise<Invocation> => {
    const found = functions.byName(functionName);
    if (found === undefined) throw new Error(`there is no function ${functionName}`);
    return await found.invoke(event);
  };
  try {
    if (options.port !== undefined) {
      // As on Lambda, the others are loaded when they are first invoked: a start need not wait for them.
      await Promise.all([...new Set(routes.map(({ target }) => target))].map((each) => each.start()));
      intake.push(
        ...(await startMappings(template, resolver, functions, {
          sqs,
          streams,
          getRecords: options.getRecords,
          news,
          region,
          queues,
          resumed: existed,
          log,
          ...(options.queueSource !== undefined && { queueSource: options.queueSource }),
        })),
      );
      intake.push(startSchedules(template, resolver, functions, region, log));
      const served = [...routes, ...(options.localRoutes ?? [])];
      gateway = await startGateway(served, {
        port: options.port,
        accountId: localAccountId,
        log,
        onCommand: () => {
          news.ring();
        },
      });
      if (existed && options.afterRestart !== undefined) {
        const { functionName, event } = options.afterRestart;
        void invoke(functionName, event).then((invocation) => {
          if (!invocation.ok)
            log(functionName, `the run after the restart failed: ${invocation.error.errorMessage}`);
        });
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: gateway?.url,
    resumed: existed,
    functions: functions.all().map(({ configuration }) => configuration),
    invoke,
    stop,
  };
}
