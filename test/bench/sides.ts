/** The two that are compared, each with a database of its own: in this process, or whole as a person starts them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { Pool } from 'undici';
import { createApp } from '../../functions/api/app.ts';
import { createHandler } from '../../functions/api/lambda-adapter.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import type { Backend } from '../../functions/commands/backend.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import { startDynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { readTokenKey, signToken } from '../../infra/local/token-key.ts';
import { emptyStore, local, log } from '../../infra/tools/explain/workbench.ts';
import { cpuTimeMs } from './cpu-time.ts';
import type { Answer, Command, Load, Send } from './load.ts';
import { createStockHandler } from './stock/api.ts';
import { createStockTables, stockTables } from './stock/tables.ts';

export interface Side {
  readonly name: 'commit-once' | 'stock pattern' | 'its requests alone';
  /** Makes ready what shall not be measured. */
  readonly prepare?: (load: Load) => Promise<Load>;
  readonly send: Send;
  /** Requests to DynamoDB so far, repetitions included; only in process. */
  readonly requests?: () => number;
  /** Milliseconds of processor time so far, of the program and its database; only whole, and where the machine tells. */
  readonly cpuMs?: () => number | undefined;
  /** Whether messages wait to be carried out; only whole. */
  readonly isBusy?: () => Promise<boolean>;
  readonly stop: () => Promise<void>;
}

const caller = { tenant: 'acme', sub: 'alice', scope: 'commands ops', roles: 'refunds payouts issuer' };

type Handler = (
  event: APIGatewayProxyEventV2WithJWTAuthorizer,
  context: Context,
) => Promise<{ readonly statusCode: number; readonly body: string }>;

/** A command as the HTTP API sends it. */
export function httpEvent({ path: rawPath, body, key }: Command): APIGatewayProxyEventV2WithJWTAuthorizer {
  return {
    version: '2.0',
    routeKey: 'ANY /v1/{proxy+}',
    rawPath,
    rawQueryString: '',
    headers: { host: 'localhost', 'content-type': 'application/json', 'idempotency-key': key },
    requestContext: {
      accountId: '000000000000',
      apiId: 'bench',
      authorizer: {
        jwt: { claims: caller, scopes: [] },
        principalId: '',
        integrationLatency: 0,
      },
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method: 'POST',
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'bench',
      },
      requestId: randomUUID(),
      routeKey: 'ANY /v1/{proxy+}',
      stage: '$default',
      time: '',
      timeEpoch: Date.now(),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}

/** Calls a handler as Lambda does. */
function sendTo(handler: Handler): Send {
  return async (command) => {
    const event = httpEvent(command);
    const { requestId } = event.requestContext;
    const context = { awsRequestId: requestId, getRemainingTimeInMillis: () => 29_000 } as Context;
    return answerOf(await handler(event, context));
  };
}

/** Calls the handler of the API. */
export const sendToOurs = (backend: Backend): Send =>
  sendTo(createHandler(createApp(backend, createAudit(backend), log)));

const answerOf = ({ statusCode, body }: { statusCode: number; body: string }): Answer => ({
  status: statusCode,
  json: (body === '' ? {} : JSON.parse(body)) as Answer['json'],
});

interface Counted {
  readonly middlewareStack: DynamoDBClient['middlewareStack'];
}

function countRequests({ middlewareStack }: Counted): () => number {
  let count = 0;
  middlewareStack.add(
    (next) => (args) => {
      count += 1;
      return next(args);
    },
    // Inside the SDK's retries, so that each of them counts.
    { step: 'deserialize', priority: 'low', name: 'count-requests' },
  );
  return () => count;
}

/** The two handlers alone. @param domains of our side; those of the application by default */
export async function inProcess(domains?: readonly Domain[]): Promise<readonly Side[]> {
  const [ours, theirs] = await Promise.all([startDynamoDbLocal(), startDynamoDbLocal()]);
  const bench = await emptyStore(ours.endpoint, {
    recorded: false,
    clock: systemClock,
    ...(domains && { domains }),
  });
  const { backend } = bench;
  const client = new DynamoDBClient({ endpoint: theirs.endpoint, ...local });
  await createStockTables(client);
  return [
    {
      name: 'commit-once',
      send: sendToOurs(backend),
      requests: countRequests(backend.store.client),
      stop: async () => {
        bench.close();
        await ours.stop();
      },
    },
    {
      name: 'stock pattern',
      send: sendTo(createStockHandler(client, stockTables)),
      requests: countRequests(client),
      stop: async () => {
        client.destroy();
        await theirs.stop();
      },
    },
  ];
}

/**
 * Both as programs, behind the same gateway.
 * @param receiverUrl where the calls of both go
 * @param ours the program of our side
 */
export async function whole(receiverUrl: string, ours: string): Promise<readonly Side[]> {
  const { tenant, sub, scope, roles } = caller;
  const token = await signToken(
    { tenant, subject: sub, scope, roles, expiresIn: '12h' },
    await readTokenKey(),
  );
  const root = path.join(import.meta.dirname, '../..');
  const start = async (name: Side['name'], file: string): Promise<Side> => {
    const program = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      env: { ...process.env, PORT: '0', EXTERNAL_CALL_URL: receiverUrl, RECEIVER_URL: receiverUrl },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // Where the benchmark is ended, its stacks end, too.
    process.once('exit', () => program.kill('SIGTERM'));
    const pool = new Pool(await readyUrl(program));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const send = async ({ path: requestPath, body, key }: Command): Promise<Answer> => {
      const response = await pool.request({
        method: 'POST',
        path: requestPath,
        headers: { ...headers, 'idempotency-key': key },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return answerOf({ statusCode: response.statusCode, body: await response.body.text() });
    };
    const hasMessages = async (status: string): Promise<boolean> => {
      const { body } = await pool.request({
        method: 'GET',
        path: `/v1/messages?limit=1&status=${status}`,
        headers,
      });
      return ((await body.json()) as { readonly items: readonly unknown[] }).items.length > 0;
    };
    const isBusy = async (): Promise<boolean> =>
      (await hasMessages('pending')) || (await hasMessages('sent')) || (await hasMessages('waiting'));
    const stop = async (): Promise<void> => {
      await pool.close();
      const gone = once(program, 'exit');
      program.kill('SIGTERM');
      await gone;
    };
    // The stock pattern has no list of its messages: its calls tell when it is done.
    return {
      ...{ name, send, stop, cpuMs: () => cpuTimeMs(program.pid ?? 0) },
      ...(name === 'commit-once' && { isBusy }),
    };
  };
  return [await start('commit-once', ours), await start('stock pattern', 'test/bench/stock/start.ts')];
}

async function readyUrl(program: ChildProcess): Promise<string> {
  if (program.stdout === null) throw new Error('the program has no output');
  for await (const line of createInterface({ input: program.stdout })) {
    const url = /^ready (?<url>http:.*)$/.exec(line)?.groups?.['url'];
    if (url !== undefined) return url;
  }
  throw new Error('a side ended before it was ready: start it by itself to see why');
}
