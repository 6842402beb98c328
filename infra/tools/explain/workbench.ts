/** The real API on a store whose calls are recorded, and the way requests get to it. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { createApp } from '../../../functions/api/app.ts';
import type { Bindings } from '../../../functions/api/bindings.ts';
import { createBackend } from '../../../functions/commands/backend.ts';
import type { Backend } from '../../../functions/commands/backend.ts';
import { createAudit } from '../../../functions/audit/audit.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { domains as allDomains } from '../../../functions/application.ts';
import type { Clock } from '../../../functions/runtime/clock.ts';
import type { Log } from '../../../functions/runtime/logger.ts';
import { createDocumentClient } from '../../../functions/store/client.ts';
import type { Store } from '../../../functions/store/store.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import { createRecorder } from './recorder.ts';
import type { Recorder } from './recorder.ts';
import { schemasWithout } from './tables.ts';
import type { Schemas } from './tables.ts';
import { scanInsteadOf } from './without-index.ts';

/** Names of one length, so that an item's size is the same in every run. */
export const tenant = 'acme';
export const subject = 'alice';

/**
 * Numbers count by their digits, so a clock that moved would change the sizes of items by a byte or two. This one
 * stands on a moment with all its digits in use.
 */
export const standardNow = Date.parse('2026-06-15T11:37:41.337Z');

/** Only what went wrong is worth a line here. */
export const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (...words) => {
    process.stderr.write(
      `${JSON.stringify(words, (_, value: unknown) => (value instanceof Error ? value.stack : value))}\n`,
    );
  },
};

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly tenant?: string;
  readonly subject?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Workbench {
  readonly schemas: Schemas;
  readonly tables: TableNames;
  readonly recorder: Recorder;
  readonly backend: Backend;
  /** A client that is not recorded. */
  readonly probe: DynamoDBClient;
  readonly clock: Clock & { advance: (milliseconds: number) => void };
  readonly send: (request: Request) => Promise<Reply>;
  readonly close: () => void;
}

export interface WorkbenchOptions {
  readonly tables: TableNames;
  /** Where the recorded client's calls go. */
  readonly client: DynamoDBClientConfig;
  /** Where everything else goes; the same place by default. */
  readonly probe?: DynamoDBClientConfig;
  readonly withoutIndex?: string | undefined;
  readonly domains?: readonly Domain[];
  /** Asks the service for its own figures. */
  readonly reported?: boolean;
  /** `false` leaves the calls alone, so that nothing but they are measured. */
  readonly recorded?: boolean;
  /** The real time, for a store that others use. */
  readonly clock?: Clock;
}

export function createWorkbench(options: WorkbenchOptions): Workbench {
  const schemas = schemasWithout(options.withoutIndex);
  const client = createDocumentClient(options.client);
  const probe = new DynamoDBClient(options.probe ?? options.client);
  if (options.withoutIndex !== undefined) scanInsteadOf(client, options.withoutIndex);
  const bare: Store = { client, tables: options.tables };
  const recorder = createRecorder({
    store: options.recorded === false ? { ...bare, client: createDocumentClient(options.client) } : bare,
    schemas,
    probe,
    ...(options.reported !== undefined && { reported: options.reported }),
  });
  let offset = 0;
  const clock = {
    now: () => (options.clock?.now() ?? standardNow) + offset,
    advance: (milliseconds: number) => {
      offset += milliseconds;
    },
  };
  const store = options.recorded === false ? bare : recorder.store;
  const backend = createBackend({ domains: options.domains ?? allDomains, store, clock });
  const app = createApp(backend, createAudit(backend), log);
  return {
    schemas,
    tables: options.tables,
    recorder,
    backend,
    probe,
    clock,
    send: async (request) => {
      const claims = {
        tenant: request.tenant ?? tenant,
        sub: request.subject ?? subject,
        scope: 'commands ops',
      };
      const [path = '/'] = request.path.split('?');
      const sent = httpRequest(request);
      const environment: Bindings = {
        requestContext: { authorizer: { jwt: { claims } }, requestId: randomUUID() },
        event: { path, headers: Object.fromEntries(sent.headers) },
      };
      return reply(await app.fetch(sent, environment));
    },
    close: () => {
      client.destroy();
      probe.destroy();
    },
  };
}

function httpRequest({ method, path, body, headers }: Request): globalThis.Request {
  return new Request(`http://localhost${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      // On AWS each request has a trace, and what follows from it carries that on: it counts with the messages' size.
      traceparent: '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01',
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function reply(response: Response): Promise<Reply> {
  const text = await response.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Reply['json'];
  return { status: response.status, headers: response.headers, json };
}
