/**
 * Processes that carry commands out on the tables of a test file, and what a test does to their calls to the database: one is
 * lost on its way, another one loses its answer, and somebody else comes first.
 */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import type { Backend } from '../../functions/commands/backend.ts';
import type {
  CommandRequest,
  CreateCommand,
  LockCommand,
  Result,
  TransitionCommand,
} from '../../functions/commands/command.ts';
import { execute } from '../../functions/commands/execute.ts';
import { IdempotencyKeys } from '../../functions/commands/idempotency-keys.ts';
import type { Outcome } from '../../functions/commands/outcome.ts';
import { SpreadMemory } from '../../functions/commands/spread-memory.ts';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { WaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { readEntity } from '../../functions/store/entities/reads.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { createTables, deleteTables } from './dynamodb.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { everyRole } from './roles.ts';
import { intercept } from './sdk-faults.ts';
import { loans } from './toy-domain.ts';
import { createTestClock } from './test-clock.ts';

export interface DatabaseCall {
  /** Without `Command` at its end. */
  readonly command: string;
  /** Among those of its name, from 1. */
  readonly nth: number;
  readonly input: unknown;
}
export interface CommandProcess {
  readonly backend: Backend;
  /** Its calls to the database, by name. */
  readonly made: string[];
}
interface Faults {
  /** Before the nth call of a command, from 1. What it throws means that the request was lost. */
  readonly before?: (call: DatabaseCall) => unknown;
  /** The same after it: the answer is lost. */
  readonly after?: (call: DatabaseCall) => unknown;
  readonly waitingRoom?: WaitingRoom;
  readonly isCounted?: boolean;
}

export const isWrite = ({ command }: DatabaseCall): boolean => command === 'TransactWrite';
export const gone = (): Error => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
/** @param at the places in the transaction that others are at */
export const conflictAt = (...at: readonly number[]): Error => cancelledAt(at, 'TransactionConflict');
/** @param at the places in the transaction that the database has no capacity for */
export const throttledAt = (...at: readonly number[]): Error => cancelledAt(at, 'ThrottlingError');

/** @param Code why, at these places of a transaction of three items */
export const cancelledAt = (at: readonly number[], Code: string): Error =>
  new TransactionCanceledException({
    message: 'cancelled',
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: [0, 1, 2].map((place) => ({ Code: at.includes(place) ? Code : 'None' })),
  });

/** The id in a command's answer. */
export const idIn = (outcome: Outcome): string =>
  'answer' in outcome ? String((outcome.answer as { readonly id?: string }).id) : outcome.kind;
/** The same request by another call: it has an id of its own. */
export const again = <T extends CommandRequest>(request: T, more: Partial<T> = {}): T => ({
  ...request,
  requestId: randomUUID(),
  ...more,
});
const answerOf = (result: Result): object =>
  result.kind === 'refused'
    ? { refused: result.rejection.code }
    : result.kind === 'created' || result.kind === 'changed'
      ? { id: result.entity.id, version: result.entity.version, kind: result.kind }
      : { kind: result.kind, ...(result.kind === 'locked' && { lock: result.lock }) };

/** Carries a command out. @param budgetMs the time it has */
export const run = (
  { backend }: CommandProcess,
  request: CommandRequest,
  budgetMs?: number,
): Promise<Outcome> => execute(backend, request, budgetMs);

const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});

/** Tables for the file that calls this, and for each test a tenant, a process and the requests of its caller. */
export function commandProcesses() {
  const registry = registerDomains([...domains, loans, sellers, auctions, bids]);
  const clock = createTestClock();
  const counted: string[] = [];
  const metrics: MetricWriter = {
    add: (name, value, ...topic) => {
      counted.push([name, ...topic].join(' ') + (value === 1 ? '' : ` ${value}`));
    },
    flush: () => undefined,
  };
  const opened: { destroy: () => void }[] = [];
  let creator: DynamoDBClient;
  let tables: TableNames;
  let tenant: string;
  let first: CommandProcess;
  beforeAll(async () => {
    creator = new DynamoDBClient(database());
    tables = await createTables(creator, `commands-${randomUUID()}`);
  });
  afterAll(async () => {
    await deleteTables(creator, tables);
    creator.destroy();
  });
  beforeEach(() => {
    tenant = `tenant ${randomUUID()}`;
    first = started();
    counted.splice(0);
    clock.moveTo(Date.now());
  });
  afterEach(() => {
    for (const client of opened.splice(0)) client.destroy();
  });

  /** A process of its own, which remembers nothing. */
  function started({ before, after, waitingRoom, isCounted = true }: Faults = {}): CommandProcess {
    const client = createDocumentClient({ ...database(), maxAttempts: 1 });
    opened.push(client);
    const made: string[] = [];
    const nth = (name: string): number => made.filter((each) => each === name).length;
    intercept(client, {
      before: async ({ command, input }) => {
        const name = command.replace(/(?:Item|Items)?Command$/, '');
        made.push(name);
        await before?.({ command: name, nth: nth(name), input });
      },
      after: async ({ command, input }) => {
        const name = command.replace(/(?:Item|Items)?Command$/, '');
        await after?.({ command: name, nth: nth(name), input });
      },
    });
    const store = { client, tables };
    const backend: Backend = {
      ...{ registry, store, clock, keys: new IdempotencyKeys(), metrics: isCounted ? metrics : undefined },
      waitingRoom: waitingRoom ?? createWaitingRoom(),
      spreads: new SpreadMemory(),
    };
    return { backend, made };
  }
  /** The process that nothing happens to, and the tenant of the test. */
  const api = {
    get backend(): Backend {
      return first.backend;
    },
    get made(): string[] {
      return first.made;
    },
    get tenant(): string {
      return tenant;
    },
  };
  const of = (collection: string): Domain => registry.byCollection(collection);
  const asked = () => ({
    tenant,
    subject: 'alice',
    roles: everyRole,
    requestId: randomUUID(),
    path: '/v1/things',
    idempotencyKey: randomUUID(),
    payload: {},
    answerOf,
  });
  const create = (collection: string, input: object, more: Partial<CreateCommand> = {}): CreateCommand => {
    const domain = of(collection);
    return { ...asked(), kind: 'create', domain, input: domain.create.input.parse(input), ...more };
  };
  const transition = (
    collection: string,
    name: string,
    id: string,
    input: object = {},
    more: Partial<TransitionCommand> = {},
  ): TransitionCommand => ({
    ...asked(),
    kind: 'transition',
    domain: of(collection),
    name,
    id,
    input: input as never,
    ...more,
  });
  const lock = (id: string, more: Partial<LockCommand> = {}): LockCommand => ({
    ...asked(),
    ...{ kind: 'lock', domain: of('point-accounts'), id, input: {}, ttlSeconds: 60, wait: 'nowait' },
    ...more,
  });
  const earn = (id: string, more: Partial<TransitionCommand> = {}) =>
    transition('point-accounts', 'earn', id, { amount: 5, reason: 'x' }, more);
  const account = async (): Promise<string> =>
    idIn(await run(api, create('point-accounts', { owner: 'ada' })));
  const { signal } = new AbortController();
  const read = (id: string) => readEntity(api.backend.store, tenant, id, signal);
  return { api, clock, counted, started, of, create, transition, lock, earn, account, read };
}
