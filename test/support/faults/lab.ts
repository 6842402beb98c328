/** A set of tables, any number of processes of the backend on them, and the record of what their callers saw. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject } from 'vitest';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { domains as allDomains } from '../../../functions/domains/index.ts';
import type { TimerReference } from '../../../functions/outbox/queue-messages.ts';
import type { Clock } from '../../../functions/runtime/clock.ts';
import { startBackend } from '../backend.ts';
import type { Reply, TestBackend } from '../backend.ts';
import { createTables, deleteTables } from '../dynamodb.ts';
import { localCredentials, localRegion } from '../loopback.ts';
import { patientClient } from '../patient.ts';
import { createTestClock } from '../test-clock.ts';
import type { TestClock } from '../test-clock.ts';
import { Walk } from '../walk.ts';
import { withRoute } from '../with-route.ts';
import { check } from './checker.ts';
import type { Violation } from './checker.ts';
import type { Delivered } from './check-deliveries.ts';
import { injectFaults, life } from './fault-client.ts';
import type { Injector, Life } from './fault-client.ts';
import type { Mutate } from './mutants.ts';
import { Observer } from './observed.ts';
import type { Request } from './observed.ts';
import { readChanges, readStore } from './store-image.ts';

export interface ProcessOptions {
  readonly injector?: Injector;
  /** Without them each attempt of a call is its only one. */
  readonly sdkRetries?: boolean;
  readonly clock?: Clock;
  /** Another version of the definitions than the lab's. */
  readonly domains?: readonly Domain[];
  /** Looks at what its client sends, or holds it up. */
  readonly watch?: (client: unknown) => void;
}

/** One process of the backend; it may die. */
export interface Process {
  readonly api: TestBackend;
  readonly life: Life;
  readonly stop: () => void;
}

export interface Lab {
  readonly observer: Observer;
  readonly clock: TestClock;
  /** A process without faults, in which a walk prepares what a case needs. */
  readonly clean: TestBackend;
  readonly walk: (tenant?: string) => Walk;
  readonly start: (options?: ProcessOptions) => Promise<Process>;
  /** A healthy process that answers none of the first requests, so that it remembers no answer. */
  readonly witness: () => Promise<Process>;
  /** Sends a request and remembers it. @returns `undefined` where the process died */
  readonly send: (process: Process, request: Request) => Promise<Reply | undefined>;
  /** Runs a timer as its worker does, which is a caller too. */
  readonly due: (process: Process, timer: TimerReference) => Promise<string>;
  /** @param eyes the definitions with which it is looked at, where there are several versions */
  readonly violations: (delivered?: Delivered, eyes?: readonly Domain[]) => Promise<readonly Violation[]>;
  readonly stop: () => Promise<void>;
}

export interface LabOptions {
  /** Breaks the build of every process but the clean one: changes what its client sends. */
  readonly mutate?: Mutate;
  /** Whether the check also goes through all that ever happened, from the streams; it costs many cases their time. */
  readonly checksChanges?: boolean;
  readonly domains?: readonly Domain[];
  /** All versions of the definitions that are at work. */
  readonly versions?: readonly Domain[];
}

export async function startLab({
  mutate,
  checksChanges = true,
  domains: written = allDomains,
  versions,
}: LabOptions = {}): Promise<Lab> {
  const domains = written.map(withRoute);
  const endpoint = inject('dynamodbEndpoint');
  const clock = createTestClock();
  const creator = new DynamoDBClient({ endpoint, region: localRegion, credentials: localCredentials });
  const tables = await createTables(creator, `lab-${randomUUID()}`, { streams: checksChanges });
  // What it prepares is not put to the test, so on a busy machine it waits.
  const clean = await startBackend({ clock, tables, domains, client: patientClient });
  const observer = new Observer();
  const clients = [clean.backend.store.client];
  const start: Lab['start'] = async ({
    injector,
    sdkRetries = true,
    clock: own = clock,
    watch,
    ...other
  } = {}) => {
    const alive = life();
    const api = await startBackend({
      clock: own,
      tables,
      domains: other.domains ?? domains,
      client: sdkRetries ? {} : { maxAttempts: 1 },
      prepare: (client) => {
        watch?.(client);
        mutate?.(client);
        if (injector) injectFaults(client, injector, alive);
      },
    });
    const { client } = api.backend.store;
    clients.push(client);
    return {
      api,
      life: alive,
      stop: () => {
        client.destroy();
      },
    };
  };
  let witness: Promise<Process> | undefined;
  return {
    observer,
    clock,
    clean,
    start,
    witness: () => (witness ??= start()),
    walk: (tenant = randomUUID()) => new Walk(clean, clock, tenant),
    send: ({ api, life: alive }, request) => observer.request(api, request, alive),
    due: async ({ api, life: alive }, timer) => {
      const ran = createRunScheduledTransition(api.backend)(timer).catch(() => 'failed');
      return Promise.race([ran, alive.died]);
    },
    violations: async (delivered, eyes = domains) => {
      const [store, changes] = await Promise.all([
        readStore(endpoint, tables),
        checksChanges ? readChanges(endpoint, tables) : undefined,
      ]);
      const world = { domains: eyes, store, seen: observer.seen, ...(versions && { versions }) };
      return check({ ...world, ...(changes && { changes }), ...(delivered && { delivered }) });
    },
    stop: async () => {
      for (const client of clients) client.destroy();
      if (checksChanges) await deleteTables(creator, tables);
      creator.destroy();
    },
  };
}
