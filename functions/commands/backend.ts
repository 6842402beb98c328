/** What commands and reads work with, made once a process from the domains it serves. */
import type { Domain } from '../core/definition.ts';
import { registerDomains } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { createDocumentClient } from '../store/client.ts';
import type { Store, TableNames } from '../store/store.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { SpreadMemory } from './spread-memory.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface Backend {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly keys: IdempotencyKeys;
  readonly waitingRoom: WaitingRoom;
  readonly spreads: SpreadMemory;
  readonly metrics?: MetricWriter | undefined;
}

export interface BackendParts {
  readonly domains: readonly Domain[];
  readonly store: Store;
  readonly clock: Clock;
  readonly metrics?: MetricWriter | undefined;
  readonly waitingRoom?: WaitingRoom | undefined;
}

/** Throws where a definition makes no sense. */
export const createBackend = ({
  domains,
  store,
  clock,
  metrics,
  waitingRoom = createWaitingRoom(),
}: BackendParts): Backend => ({
  registry: registerDomains(domains),
  store,
  clock,
  keys: new IdempotencyKeys(),
  waitingRoom,
  spreads: new SpreadMemory(),
  metrics,
});

/** The backend of a deployed function: its tables are named by the environment. */
export function backendOfEnvironment(domains: readonly Domain[], metrics?: MetricWriter): Backend {
  return createBackend({
    domains,
    store: { client: createDocumentClient(), tables: tablesOfEnvironment() },
    clock: systemClock,
    metrics,
  });
}

/** The tables of a deployment, as the environment names them. */
export function tablesOfEnvironment(): TableNames {
  const names = readEnvironment(['DATA_TABLE', 'OUTBOX_TABLE', 'IDEMPOTENCY_TABLE']);
  return { data: names.DATA_TABLE, outbox: names.OUTBOX_TABLE, idempotency: names.IDEMPOTENCY_TABLE };
}
