import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { readEnvironment } from '../../functions/runtime/environment.ts';
import { secretsIn } from '../../functions/runtime/receivers.ts';
import { senderDomainOf } from '../../functions/workers/receivers/mailbox.ts';
import { startDynamoDbLocal, type DynamoDbLocal } from './dynamodb.ts';
import { givenEndpoint, type Variables } from './given-endpoints.ts';
import type { Log } from './log.ts';
import type { QueueSource } from './queue-source.ts';
import { startCallReceiver, type CallReceiver } from './receivers/calls.ts';
import type { Receiver } from './receivers/http-receiver.ts';
import { startLanguageModel } from './receivers/language-model.ts';
import { startMailReceiver } from './receivers/mails.ts';
import { startObjectStore } from './receivers/objects.ts';
import { startSqsServer } from './sqs.ts';
import { StartError } from './start-error.ts';
import type { GetRecords } from './stream-records.ts';

/** What the stack works with: the AWS services it uses and the receivers it sends to. */
export interface LocalServices {
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly dynamodbEndpoint: string;
  readonly getRecords?: GetRecords;
  readonly sqsEndpoint: string;
  readonly bucketEndpoint?: string;
  readonly queueSource?: (queueUrl: string) => QueueSource;
  /** Variables that lead the functions to all of it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The built-in receivers that were started, by name. */
  readonly receivers: Readonly<Record<string, string>>;
  /** Tells the built-in receiver of calls where the API is. */
  callBackAt(apiUrl: string): void;
  stop(): Promise<void>;
}

/** Variables of the contract that are handed to the functions as they are. */
const passedOn = ['MAIL_FROM', 'REPORT_BUCKET', 'LLM_MODEL_ID', 'LOG_LEVEL', 'POWERTOOLS_LOG_LEVEL'];

/** Settings of receivers by name, whatever they are called. */
const ofReceivers = (variables: Variables): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) =>
      value !== undefined && /^RECEIVER_[A-Z][A-Z0-9_]*_(?:URL|SECRET)$/.test(name) ? [[name, value]] : [],
    ),
  );

/** The database is by far the slowest to start, so it starts first, while everything else is still loaded. */
export function startDatabase(
  variables: Variables,
  dataDirectory: string | undefined,
): Promise<DynamoDbLocal> | undefined {
  if (endpointOf(variables, 'DYNAMODB') !== undefined) return undefined;
  return startDynamoDbLocal(dataDirectory === undefined ? {} : { dataDirectory });
}

/**
 * Starts what the environment does not name: each service and receiver is either given or built in.
 * @param folder where mails, calls and reports are kept
 */
export async function startServices(
  variables: Variables,
  database: Promise<DynamoDbLocal> | undefined,
  folder: string,
  log: Log,
): Promise<LocalServices> {
  const region = variables['AWS_REGION'] ?? 'us-east-1';
  const secret = variables['WEBHOOK_SECRET'] ?? `whsec_${randomBytes(24).toString('base64')}`;
  let calls: CallReceiver | undefined;
  const started: Record<string, Receiver> = {};
  const builtIn = async (
    name: string,
    given: string | undefined,
    start: () => Promise<Receiver>,
  ): Promise<string> => {
    if (given !== undefined && given !== '') return given;
    const receiver = await start();
    started[name] = receiver;
    return receiver.url;
  };
  const bucketEndpoint = endpointOf(variables, 'S3');
  const sqsGiven = endpointOf(variables, 'SQS');
  const sqs = sqsGiven === undefined ? await startSqsServer(region) : undefined;
  const [smtpUrl, callUrl, modelEndpoint, objectEndpoint] = await Promise.all([
    builtIn('mails', variables['SMTP_URL'], () => startMailReceiver(path.join(folder, 'mails'), log)),
    builtIn('external-calls', variables['EXTERNAL_CALL_URL'], async () => {
      // With a list of secrets we sign with all; a receiver knows one of them.
      const [own = secret] = secretsIn(secret);
      calls = await startCallReceiver(path.join(folder, 'external-calls'), own, log);
      return calls;
    }),
    // An endpoint for everything has no language model as a rule, so this one has to be named itself.
    builtIn('language-model', variables['AWS_ENDPOINT_URL_BEDROCK_RUNTIME'], startLanguageModel),
    builtIn('reports', bucketEndpoint, () => startObjectStore(path.join(folder, 'reports'), log)),
  ]);
  const dynamodb = await database;
  const dynamodbEndpoint = dynamodb?.endpoint ?? endpointOf(variables, 'DYNAMODB') ?? '';
  const sqsEndpoint = sqs?.endpoint ?? sqsGiven ?? '';
  const credentials = credentialsOf(variables);
  return {
    region,
    credentials,
    dynamodbEndpoint,
    ...(dynamodb !== undefined && { getRecords: dynamodb.getRecords }),
    sqsEndpoint,
    ...(bucketEndpoint !== undefined && { bucketEndpoint }),
    ...(sqs !== undefined && { queueSource: (url: string) => sqs.queueSource(url) }),
    environment: {
      ...Object.fromEntries(
        passedOn.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]] as const])),
      ),
      SMTP_URL: smtpUrl,
      EXTERNAL_CALL_URL: callUrl,
      ...ofReceivers(variables),
      WEBHOOK_SECRET: secret,
      ...(variables['AWS_ENDPOINT_URL'] !== undefined && { AWS_ENDPOINT_URL: variables['AWS_ENDPOINT_URL'] }),
      AWS_ENDPOINT_URL_DYNAMODB: dynamodbEndpoint,
      AWS_ENDPOINT_URL_SQS: sqsEndpoint,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: modelEndpoint,
      AWS_ENDPOINT_URL_S3: objectEndpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      // Nobody reads metrics here, and their lines would stand between those of the log.
      POWERTOOLS_METRICS_DISABLED: variables['POWERTOOLS_METRICS_DISABLED'] ?? 'true',
      // On AWS the functions run on a newer Node than the oldest this stack starts on.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    receivers: Object.fromEntries(Object.entries(started).map(([name, receiver]) => [name, receiver.url])),
    callBackAt: (url) => {
      calls?.callBackAt(url);
    },
    stop: async () => {
      await Promise.all(Object.values(started).map((receiver) => receiver.stop()));
      await sqs?.stop();
      await dynamodb?.stop();
    },
  };
}

/** Looks at what the functions would end at with a stack trace of their own. @throws StartError */
export function assertReadable(variables: Variables): void {
  try {
    const { MAIL_FROM } = readEnvironment([], ['MAIL_FROM', 'SMTP_URL', 'EXTERNAL_CALL_URL'], variables);
    if (MAIL_FROM !== undefined) senderDomainOf(MAIL_FROM);
  } catch (error) {
    throw new StartError((error as Error).message);
  }
}

const endpointOf = (variables: Variables, service: string): string | undefined =>
  givenEndpoint(variables, service)?.url;

/**
 * The caller's credentials only where an endpoint was named: a server of the caller's may check them, while the
 * embedded ones must never see real ones.
 */
function credentialsOf(variables: Variables): { accessKeyId: string; secretAccessKey: string } {
  const named = Object.keys(variables).some((name) => name.startsWith('AWS_ENDPOINT_URL'));
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  if (named && accessKeyId !== undefined && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey };
  return { accessKeyId: 'local', secretAccessKey: 'local' };
}
