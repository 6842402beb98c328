/** The API in one process on DynamoDB Local: real handler, real transactions, no gateway in front. */
import { randomUUID } from 'node:crypto';
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { inject } from 'vitest';
import { createApp } from '../../functions/api/app.ts';
import type { Audit } from '../../functions/api/audit.ts';
import { createHandler } from '../../functions/api/lambda-adapter.ts';
import type { GatewayEvent, GatewayResult } from '../../functions/api/lambda-adapter.ts';
import { createBackend } from '../../functions/commands/backend.ts';
import type { Backend } from '../../functions/commands/backend.ts';
import type { WaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { domains as allDomains } from '../../functions/domains/index.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import type { Clock } from '../../functions/runtime/clock.ts';
import type { ReceiverSettings } from '../../functions/runtime/receivers.ts';
import { createLogger } from '../../functions/runtime/logger.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { createTables } from './dynamodb.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { everyRole } from './roles.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as sent. */
  readonly text: string;
  /** The body parsed; `undefined` where it is empty. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** Sent as it is instead of `body`. */
  readonly rawBody?: string | Uint8Array;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly subject?: string;
  readonly scope?: string;
  /** Every role unless told. */
  readonly roles?: readonly string[] | string;
  /** Leaves the authorizer's claims out. */
  readonly anonymous?: boolean;
}

export interface TestBackend {
  readonly backend: Backend;
  readonly tables: TableNames;
  /** Hands the function an event as it stands. */
  readonly send: (event: GatewayEvent) => Promise<GatewayResult>;
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Reply>;
  /** A command with a fresh key unless one is given. */
  readonly post: (path: string, body?: unknown, options?: RequestOptions) => Promise<Reply>;
  readonly get: (path: string, options?: RequestOptions) => Promise<Reply>;
}

export interface TestBackendOptions {
  readonly clock?: Clock;
  readonly domains?: readonly Domain[];
  /** Shares the tables of another one, as a second execution environment does. */
  readonly tables?: TableNames;
  readonly client?: Pick<DynamoDBClientConfig, 'maxAttempts' | 'endpoint' | 'requestHandler'>;
  /** Adds middleware to the client. */
  readonly prepare?: (client: Backend['store']['client']) => void;
  readonly audit?: Audit;
  readonly log?: Log;
  readonly waitingRoom?: WaitingRoom;
  /** Of receivers that call back. */
  readonly settingsOf?: (receiver: string) => ReceiverSettings;
}

export async function startBackend(options: TestBackendOptions = {}): Promise<TestBackend> {
  const client = createDocumentClient({
    endpoint: inject('dynamodbEndpoint'),
    region: localRegion,
    credentials: localCredentials,
    ...options.client,
  });
  const tables =
    // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the types of two SDK builds meet
    options.tables ?? (await createTables(client as unknown as DynamoDBClient, `t-${randomUUID()}`));
  options.prepare?.(client);
  const store = { client, tables };
  const clock = options.clock ?? systemClock;
  const { domains = allDomains, waitingRoom } = options;
  const backend = createBackend({ domains, store, clock, waitingRoom });
  const noAudit: Audit = () => Promise.reject(new Error('this test has no audit'));
  const handle = createHandler(
    createApp(backend, options.audit ?? noAudit, options.log ?? createLogger('test'), options.settingsOf),
  );
  const send: TestBackend['send'] = (event) => handle(event, {} as Context);
  const request: TestBackend['request'] = async (method, path, requestOptions = {}) =>
    reply(await send(gatewayEvent(method, path, requestOptions)));
  return {
    backend,
    tables,
    send,
    request,
    post: (path, body, requestOptions = {}) =>
      request('POST', path, { key: randomUUID(), ...(body !== undefined && { body }), ...requestOptions }),
    get: (path, requestOptions) => request('GET', path, requestOptions),
  };
}

function reply({ statusCode, headers = {}, body, isBase64Encoded }: GatewayResult): Reply {
  const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  const json = (text === '' ? undefined : JSON.parse(text)) as Reply['json'];
  return { status: statusCode, headers, text, json };
}

/** An HTTP API decodes the path; one that cannot be decoded never gets through it. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A payload as an HTTP API's JWT route sends it, format 2.0. */
export function gatewayEvent(
  method: string,
  path: string,
  options: RequestOptions = {},
): APIGatewayProxyEventV2 {
  const { body, rawBody, key, tenant = 'acme', subject = 'alice', scope = 'commands ops' } = options;
  const { roles = everyRole } = options;
  const [sentPath = '/', rawQueryString = ''] = path.split('?');
  const rawPath = decoded(sentPath);
  const content = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const requestId = randomUUID();
  const authorizer = {
    // As an HTTP API hands them over: a list is `[a b]`.
    jwt: {
      claims: {
        sub: subject,
        tenant,
        scope,
        roles: typeof roles === 'string' ? roles : `[${roles.join(' ')}]`,
      },
      scopes: null,
    },
    principalId: '',
    integrationLatency: 0,
  };
  return {
    version: '2.0',
    routeKey: 'ANY /v1/{proxy+}',
    rawPath,
    rawQueryString,
    headers: {
      host: 'localhost',
      ...(content !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...options.headers,
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'local',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId,
      routeKey: 'ANY /v1/{proxy+}',
      stage: '$default',
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
      ...(options.anonymous !== true && { authorizer }),
    },
    ...(content !== undefined && {
      body: typeof content === 'string' ? content : Buffer.from(content).toString('base64'),
    }),
    isBase64Encoded: content !== undefined && typeof content !== 'string',
  };
}
