/**
 * Where the tool measures: the real API on a store whose calls are recorded. The store is one of its own, which is
 * filled and thrown away, or the tables that exist.
 */
import { randomUUID } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { createApp } from '../../../functions/api/app.ts';
import type { Bindings } from '../../../functions/api/bindings.ts';
import { createBackend, tablesOfEnvironment } from '../../../functions/commands/backend.ts';
import { createAudit } from '../../../functions/audit/audit.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { rolesOf } from '../../../functions/core/registry.ts';
import { domains as allDomains } from '../../../functions/application.ts';
import { systemClock } from '../../../functions/runtime/clock.ts';
import type { Clock } from '../../../functions/runtime/clock.ts';
import type { Log } from '../../../functions/runtime/logger.ts';
import { createDocumentClient } from '../../../functions/store/client.ts';
import { createTables } from '../../../functions/store/create-tables.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import { startDynamoDbLocal } from '../../local/dynamodb.ts';
import { createRecorder } from './recorder.ts';

/** Names of one length, so that an item's size is the same in every run. */
export const tenant = 'acme';

/**
 * Numbers count by their digits, so a clock that moved would change the sizes of items by a byte or two. This one
 * stands on a moment with all its digits in use.
 */
export const standardNow = Date.parse('2026-06-15T11:37:41.337Z');

/** What DynamoDB Local accepts; it checks none. */
export const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** Only what went wrong is worth a line here. */
export const log: Log = new Logger({ serviceName: 'explain', logLevel: 'ERROR' });

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly tenant?: string;
  readonly subject?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

export interface WorkbenchOptions {
  readonly tables: TableNames;
  /** Where the recorded client's calls go. */
  readonly client: DynamoDBClientConfig;
  /** Where everything else goes; the same place by default. */
  readonly probe?: DynamoDBClientConfig;
  readonly domains?: readonly Domain[];
  /** `false` leaves the calls alone, so that nothing but they are measured. */
  readonly recorded?: boolean;
  /** The real time, for a store that others use. */
  readonly clock?: Clock;
}

function createWorkbench(options: WorkbenchOptions) {
  const { tables, clock: base = { now: () => standardNow } } = options;
  const client = createDocumentClient(options.client);
  /** A client that is not recorded. */
  const probe = createDocumentClient(options.probe ?? options.client);
  const recorder = createRecorder({ client, tables }, probe);
  const store = options.recorded === false ? { client: probe, tables } : recorder.store;
  /** Time that passes by itself, if at all, and how far cases have moved it on, in milliseconds. */
  const clock = { ahead: 0, now: () => base.now() + clock.ahead };
  const backend = createBackend({ domains: options.domains ?? allDomains, store, clock });
  const app = createApp(backend, createAudit(backend), log);
  const roles = rolesOf(backend.registry.domains);

  async function send({
    method,
    path,
    body,
    tenant: of = tenant,
    subject = 'alice',
    headers: more,
  }: Request) {
    const claims = { tenant: of, sub: subject, scope: 'commands ops', roles };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = new Headers({
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      // On AWS each request has a trace, and what follows from it carries that on: it counts with the messages' size.
      traceparent: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
      ...more,
    });
    const environment: Bindings = {
      requestContext: { authorizer: { jwt: { claims } }, requestId: randomUUID() },
      event: {
        path: path.split('?')[0] ?? '/',
        headers: Object.fromEntries(headers),
        bytes: new TextEncoder().encode(text),
      },
    };
    const response = await app.request(path, { method, headers, body: text ?? null }, environment);
    const answer = await response.text();
    return { status: response.status, json: (answer === '' ? {} : JSON.parse(answer)) as Json };
  }

  return {
    ...{ tables, recorder, backend, probe, clock, send },
    outbox: { client: store.client, table: tables.outbox, clock },
    close: () => {
      for (const one of [client, probe]) one.destroy();
    },
  };
}

export type Workbench = Readonly<ReturnType<typeof createWorkbench>>;
export type Reply = Awaited<ReturnType<Workbench['send']>>;

/** A workbench on empty tables of their own. */
export async function emptyStore(
  endpoint: string,
  options: Partial<WorkbenchOptions> = {},
): Promise<Workbench> {
  const client = { endpoint, ...local };
  const maker = new DynamoDBClient(client);
  const tables = await createTables(maker, `explain-${randomUUID()}`);
  maker.destroy();
  return createWorkbench({ tables, client, ...options });
}

/** Runs work on a DynamoDB Local of its own, which is stopped whatever happens. */
export async function withDatabase<Result>(work: (endpoint: string) => Promise<Result>): Promise<Result> {
  const database = await startDynamoDbLocal();
  try {
    return await work(database.endpoint);
  } finally {
    await database.stop();
  }
}

/** The tables that the environment names, as they are: nothing is seeded, and the service's own figures are shown. */
export const serviceStore = (): Workbench =>
  createWorkbench({ tables: tablesOfEnvironment(), client: {}, clock: systemClock });
