/**
 * The safe path of a command, asked as its callers ask it, on a real database: what a key answers, what becomes of a command
 * that meets others or loses an answer, and what is told when there is no time left.
 */
import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Backend } from '../../functions/commands/backend.ts';
import type {
  AnswerCommand,
  CommandRequest,
  CreateCommand,
  LockCommand,
  Result,
  TransitionCommand,
} from '../../functions/commands/command.ts';
import { execute } from '../../functions/commands/execute.ts';
import { IdempotencyKeys } from '../../functions/commands/idempotency-keys.ts';
import type { Outcome } from '../../functions/commands/outcome.ts';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { WaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { idempotency, request as requestLimits } from '../../functions/runtime/limits.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { readEntity } from '../../functions/store/entities/reads.ts';
import { balanceKey, balancePlace } from '../../functions/store/keys.ts';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { Answer } from '../../functions/store/outbox/message-items.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { createTables, deleteTables } from '../support/dynamodb.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { everyRole } from '../support/roles.ts';
import { intercept } from '../support/sdk-faults.ts';
import { loans } from '../support/toy-domain.ts';

const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});
const registry = registerDomains([...domains, loans, sellers, auctions, bids]);
let creator: DynamoDBClient;
let tables: TableNames;
let offset = 0;
const clock = { now: () => Date.now() + offset };
let counted: string[] = [];
const metrics: MetricWriter = {
  add: (name, value, ...topic) => {
    counted.push([name, ...topic].join(' ') + (value === 1 ? '' : ` ${value}`));
  },
  flush: () => undefined,
};
const opened: { destroy: () => void }[] = [];
beforeAll(async () => {
  creator = new DynamoDBClient(database());
  tables = await createTables(creator, `safe-${randomUUID()}`);
});
afterAll(async () => {
  await deleteTables(creator, tables);
  creator.destroy();
});
let tenant: string;
let api: Process;
beforeEach(() => {
  tenant = `tenant ${randomUUID()}`;
  api = started();
  counted = [];
});
afterEach(() => {
  for (const client of opened.splice(0)) client.destroy();
});

interface Call {
  readonly command: string;
  readonly nth: number;
  readonly input: unknown;
}
interface Process {
  readonly backend: Backend;
  /** Its calls to the database, by name. */
  readonly made: string[];
}
interface Faults {
  /** Before the nth call of a command, from 1. What it throws means that the request was lost. */
  readonly before?: (call: Call) => unknown;
  /** The same after it: the answer is lost. */
  readonly after?: (call: Call) => unknown;
  readonly waitingRoom?: WaitingRoom;
  readonly isCounted?: boolean;
}
/** A process of its own, which remembers nothing. */
function started({ before, after, waitingRoom, isCounted = true }: Faults = {}): Process {
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
  };
  return { backend, made };
}
const run = ({ backend }: Process, request: CommandRequest, budgetMs?: number): Promise<Outcome> =>
  execute(backend, request, budgetMs);

const of = (collection: string): Domain => api.backend.registry.byCollection(collection);
const answerOf = (result: Result): object =>
  result.kind === 'refused'
    ? { refused: result.rejection.code }
    : result.kind === 'created' || result.kind === 'changed'
      ? { id: result.entity.id, version: result.entity.version, kind: result.kind }
      : { kind: result.kind, ...(result.kind === 'locked' && { lock: result.lock }) };
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
const idIn = (outcome: Outcome): string =>
  'answer' in outcome ? String((outcome.answer as { readonly id?: string }).id) : outcome.kind;
const account = async (): Promise<string> => idIn(await run(api, create('point-accounts', { owner: 'ada' })));
const { signal } = new AbortController();
const read = (id: string) => readEntity(api.backend.store, tenant, id, signal);
/** The same request by another call: it has an id of its own. */
const again = <T extends CommandRequest>(request: T, more: Partial<T> = {}): T => ({
  ...request,
  requestId: randomUUID(),
  ...more,
});
const gone = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const conflictAt = (...at: readonly number[]) =>
  new TransactionCanceledException({
    message: 'cancelled',
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: [0, 1, 2].map((place) => ({
      Code: at.includes(place) ? 'TransactionConflict' : 'None',
    })),
  });
const isWrite = ({ command }: Call): boolean => command === 'TransactWrite';

describe('a command', () => {
  test('commits, and is counted', async () => {
    const outcome = await run(api, create('point-accounts', { owner: 'ada' }));
    expect(outcome).toMatchObject({ kind: 'committed', answer: { version: 1, kind: 'created' } });
    expect(api.made).toEqual(['TransactWrite']);
    expect(await read(idIn(outcome))).toMatchObject({ version: 1 });
    const earned = earn(idIn(outcome));
    expect(await run(api, earned)).toMatchObject({
      kind: 'committed',
      answer: { version: 2, kind: 'changed' },
    });
    expect(counted).toEqual(['CommandsCommitted', 'CommandsCommitted']);
  });

  test('of who lacks its role hears nothing of the entity, and reads nothing', async () => {
    const id = await account();
    api.made.splice(0);
    expect(await run(api, earn(id, { roles: [] }))).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'role_missing' },
    });
    expect(api.made).toEqual([]);
    const lending = { ...loans, create: { ...loans.create, role: 'librarian' } } as Domain;
    const refused = { ...create('point-accounts', { owner: 'ada' }), domain: lending, roles: ['reader'] };
    expect(await run(api, refused)).toMatchObject({ rejection: { code: 'role_missing' } });
    expect(counted.slice(1)).toEqual(['CommandsRefused', 'CommandsRefused']);
  });

  test('that makes no sense to the database is a defect', async () => {
    const broken = started({
      before: () => {
        throw new TypeError('a defect');
      },
    });
    await expect(run(broken, create('point-accounts', { owner: 'ada' }))).rejects.toThrow('a defect');
  });
});

describe('a key', () => {
  test('gives the first answer again, in this process without a request, in another one by one', async () => {
    const request = create('point-accounts', { owner: 'ada' });
    const first = await run(api, request);
    const { answer } = first as Extract<Outcome, { kind: 'committed' }>;
    api.made.splice(0);
    expect(await run(api, again(request))).toEqual({ kind: 'replayed', answer });
    expect(api.made).toEqual([]);
    const other = started();
    expect(await run(other, again(request))).toEqual({ kind: 'replayed', answer });
    expect(other.made).toEqual(['TransactWrite']);
    expect(await run(other, again(request))).toEqual({ kind: 'replayed', answer });
    expect(other.made).toHaveLength(1);
    const earned = earn(idIn(first));
    await run(api, earned);
    const third = started();
    expect(await run(third, again(earned))).toMatchObject({ kind: 'replayed', answer: { version: 2 } });
    expect(third.made).toEqual(['BatchGet']);
    expect(counted.filter((name) => name === 'CommandsReplayed')).toHaveLength(4);
  });

  test('is of one request: with another payload it is refused, wherever that is found', async () => {
    const request = create('point-accounts', { owner: 'ada' }, { payload: { owner: 'ada' } });
    await run(api, request);
    const other = again(request, { payload: { owner: 'eve' } });
    expect(await run(api, other)).toEqual({ kind: 'key_reused' });
    expect(await run(started(), other)).toEqual({ kind: 'key_reused' });
    expect(counted).toEqual(['CommandsCommitted', 'CommandsRefused', 'CommandsRefused']);
  });

  test.each(['tenant', 'subject', 'path', 'idempotencyKey'] as const)(
    'is another one of another %s',
    async (part) => {
      const request = create('point-accounts', { owner: 'ada' });
      const one = await IdempotencyKeys.recordKey(request);
      expect(await IdempotencyKeys.recordKey({ ...request, [part]: 'other' })).not.toBe(one);
      expect(await IdempotencyKeys.recordKey({ ...request })).toBe(one);
      expect(await run(api, request)).toMatchObject({ kind: 'committed' });
      expect(await run(api, again(request, { [part]: 'other' }))).toMatchObject({ kind: 'committed' });
    },
  );

  test('is made of what names the request, and of nothing that it carries', async () => {
    const keys = new IdempotencyKeys();
    const request = create('point-accounts', { owner: 'ada' });
    const [one, other] = await Promise.all([
      keys.begin({ ...request, payload: { a: 1 } }),
      keys.begin({ ...request, payload: { a: 2 } }),
    ]);
    if (one.kind !== 'fresh' || other.kind !== 'fresh') throw new Error('it is remembered');
    expect(one.pk).toBe(other.pk);
    expect(one.payloadHash).not.toBe(other.payloadHash);
    expect(one.pk).toMatch(/^command#/);
  });

  test('remembers no more answers than there is room for', async () => {
    const keys = new IdempotencyKeys();
    const requests = Array.from({ length: idempotency.localCacheEntries + 1 }, () =>
      create('point-accounts', { owner: 'ada' }),
    );
    for (const request of requests) {
      await keys.begin(request);
      await keys.remember(request, { n: 1 });
    }
    const [first, second] = requests as [CreateCommand, CreateCommand];
    expect((await keys.begin(first)).kind).toBe('fresh');
    expect(await keys.begin(second)).toEqual({ kind: 'replayed', answer: { n: 1 } });
  });

  test('answers until its time is over by the clock of the command, not by the machine’s', async () => {
    const request = create('point-accounts', { owner: 'ada' });
    const first = await run(api, request);
    offset = idempotency.retentionSeconds * 1000 - 5_000;
    expect(await run(started(), again(request))).toMatchObject({ kind: 'replayed' });
    offset += 10_000;
    expect(idIn(await run(started(), again(request)))).not.toBe(idIn(first));
    offset = 0;
  });
});

describe('a refusal', () => {
  const spend = (id: string) => transition('point-accounts', 'spend', id, { amount: 5, reason: 'x' });

  test('by a rule is kept: a late duplicate never succeeds', async () => {
    const id = await account();
    const request = spend(id);
    const answer = { refused: 'insufficient_balance' };
    expect(await run(api, request)).toMatchObject({
      kind: 'refused',
      answer,
      rejection: { code: answer.refused },
    });
    await run(api, earn(id));
    api.made.splice(0);
    expect(await run(api, again(request))).toEqual({ kind: 'replayed', answer });
    expect(api.made).toEqual([]);
    expect(await run(started(), again(request))).toEqual({ kind: 'replayed', answer });
  });

  test('that the transaction finds is kept, too', async () => {
    await run(api, create('invites', { workspace: 'press', email: 'a@example.com', role: 'editor' }));
    const other = create('invites', { workspace: 'press', email: 'a@example.com', role: 'editor' });
    expect(await run(api, other)).toMatchObject({ kind: 'refused', answer: { refused: 'already_exists' } });
    expect(await run(started(), again(other))).toMatchObject({ kind: 'replayed' });
  });

  test('of what is not there is not kept, and asks for nothing more', async () => {
    const request = earn('pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC');
    expect(await run(api, request)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'not_found' },
    });
    expect(api.made).toEqual(['BatchGet']);
    const text = idIn(await run(api, create('articles', { slug: 'x', title: 'x', body: 'x' })));
    expect(await run(api, earn(text))).toMatchObject({ rejection: { code: 'not_found' } });
  });

  test('by a lock asks the key once more, and is not kept', async () => {
    const id = await account();
    const held = await run(api, lock(id));
    const request = earn(id);
    api.made.splice(0);
    expect(await run(api, request)).toMatchObject({ kind: 'refused_for_now', rejection: { code: 'locked' } });
    expect(api.made).toEqual(['BatchGet', 'TransactGet']);
    const { token } = (held as { answer: { lock: { token: string } } }).answer.lock;
    const unlock = { ...lock(id), kind: 'unlock', lockToken: token } as never;
    expect(await run(api, unlock)).toMatchObject({ kind: 'committed', answer: { kind: 'unlocked' } });
    expect(await run(api, again(request))).toMatchObject({ kind: 'committed' });
  });

  test('by a lock is none where the key was answered: the duplicate gets that', async () => {
    const id = await account();
    const request = earn(id);
    await run(api, request);
    await run(api, lock(id));
    let looks = 0;
    const late = started({
      before: ({ command }) => {
        if (command !== 'TransactGet') return;
        looks += 1;
        // The first call is being written for a moment still.
        if (looks === 1) throw conflictAt(0);
      },
    });
    const blind = { ...late.backend, keys: new IdempotencyKeys() };
    const { client } = late.backend.store;
    (client.middlewareStack as never as { add: (m: unknown, o: object) => void }).add(
      (
        next: (args: unknown) => Promise<{ output: { Responses?: Record<string, unknown> } }>,
        { commandName }: { commandName: string },
      ) =>
        async (args: unknown) => {
          const result = await next(args);
          if (commandName === 'BatchGetItemCommand' && result.output.Responses)
            result.output.Responses[tables.idempotency] = [];
          return result;
        },
      { step: 'initialize', priority: 'high', name: 'record-not-seen-yet' },
    );
    expect(await execute(blind, again(request))).toMatchObject({ kind: 'replayed', answer: { version: 2 } });
    expect(looks).toBe(2);
    const never = started({
      before: ({ command }) => {
        if (command === 'TransactGet') throw conflictAt(0);
      },
    });
    expect(await run(never, again(earn(id)), 300)).toEqual({ kind: 'in_progress' });
  });

  test('of what is due is not kept: nobody repeats it to hear something else', async () => {
    const id = idIn(
      await run(api, create('invites', { workspace: 'w', email: 'a@example.com', role: 'editor' })),
    );
    const early = transition('invites', 'expire', id, {}, { dueAt: 1 });
    api.made.splice(0);
    expect(await run(api, early)).toMatchObject({ kind: 'refused_for_now', rejection: { code: 'not_due' } });
    expect(api.made).toEqual(['BatchGet']);
    const upgrade = transition('invites', 'upgrade', id);
    expect(await run(api, upgrade)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'up_to_date' },
    });
  });

  test('that meets a duplicate at its record, or loses its answer, is put again and is found to be its own', async () => {
    const id = await account();
    const request = spend(id);
    const meeting = started({
      before: ({ command, nth }) => {
        if (command === 'Put' && nth === 1)
          throw new TransactionConflictException({ message: 'conflict', $metadata: { httpStatusCode: 400 } });
      },
      after: ({ command, nth }) => {
        if (command === 'Put' && nth === 2) throw gone();
      },
    });
    expect(await run(meeting, request)).toMatchObject({ kind: 'refused' });
    expect(meeting.made.filter((name) => name === 'Put')).toHaveLength(3);
    const other = spend(id);
    const overtaken = started({
      before: async ({ command }) => {
        if (command === 'Put') await run(api, again(other));
      },
    });
    expect(await run(overtaken, other)).toMatchObject({ kind: 'replayed' });
  });

  test('that cannot be kept in time says what stood in the way', async () => {
    const id = await account();
    const failing = (error: Error) =>
      started({
        before: ({ command }) => {
          if (command === 'Put') throw error;
        },
      });
    const conflict = new TransactionConflictException({
      message: 'conflict',
      $metadata: { httpStatusCode: 400 },
    });
    expect(await run(failing(conflict), spend(id), 300)).toEqual({ kind: 'in_progress' });
    const lost = gone();
    expect(await run(failing(lost), spend(id), 300)).toEqual({ kind: 'unavailable', cause: lost });
    await expect(run(failing(new TypeError('a defect')), spend(id))).rejects.toThrow('a defect');
  });
});

describe('a command that meets another one', () => {
  test('decides on what that left at once, the first time', async () => {
    const id = await account();
    const slow = started({
      before: async (call) => {
        if (isWrite(call) && call.nth === 1) await run(api, earn(id));
      },
    });
    expect(await run(slow, earn(id))).toMatchObject({ kind: 'committed', answer: { version: 3 } });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite', 'TransactWrite']);
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(1);
  });

  test('reads afresh after a second loss, and waits for that in the room of its entity', async () => {
    const id = await account();
    const room: string[] = [];
    const slow = started({
      waitingRoom: {
        enter: (...whose) => {
          room.push(whose.join(' of '));
          return () => room.push('left');
        },
      },
      before: async (call) => {
        if (isWrite(call) && call.nth <= 3) await run(api, earn(id));
      },
    });
    expect(await run(slow, earn(id))).toMatchObject({ kind: 'committed', answer: { version: 5 } });
    expect(slow.made.filter((name) => name === 'BatchGet')).toHaveLength(3);
    expect(room).toEqual([`${tenant} of ${id}`, 'left']);
  });

  test('is refused at once by what that left, the second time, too', async () => {
    const id = await account();
    const closed = started({
      before: async (call) => {
        if (!isWrite(call)) return;
        if (call.nth === 1) await run(api, earn(id));
        if (call.nth === 2) {
          await run(api, transition('point-accounts', 'spend', id, { amount: 5, reason: 'x' }));
          await run(api, transition('point-accounts', 'close', id));
        }
      },
    });
    expect(await run(closed, earn(id))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'transition_not_allowed' },
    });
    expect(closed.made.filter((name) => name === 'BatchGet')).toHaveLength(1);
  });

  test('finds after a wait that its key was answered meanwhile', async () => {
    const id = await account();
    const request = earn(id);
    const slow = started({
      before: async (call) => {
        if (!isWrite(call) || call.nth > 1) return;
        await run(api, again(request));
        throw conflictAt(1);
      },
    });
    expect(await run(slow, request)).toMatchObject({ kind: 'replayed', answer: { version: 2 } });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite', 'BatchGet']);
  });

  test('posts to another item of a spread account at each attempt', async () => {
    const payment = { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' };
    const id = idIn(await run(api, create('payments', payment)));
    const posted: string[] = [];
    const slow = started({
      before: (call) => {
        if (!isWrite(call)) return;
        const { TransactItems } = call.input as { TransactItems: { Update?: { Key: { pk: string } } }[] };
        posted.push(
          ...TransactItems.map(({ Update }) => Update?.Key.pk ?? '').filter((pk) => /holding/.test(pk)),
        );
        if (call.nth < 3) throw conflictAt(1);
      },
    });
    expect(await run(slow, transition('payments', 'confirm', id))).toMatchObject({ kind: 'committed' });
    const places = [1, 2, 3].map((attempt) => balancePlace(32, { id, seq: 2 }, attempt));
    expect(posted).toEqual(places.map((place) => balanceKey(tenant, 'holding:shop:EUR', place).pk));
  });

  test('gives up when no other attempt can end in time, without another one', async () => {
    const id = await account();
    const late = started({
      before: (call) => {
        if (!isWrite(call)) return;
        offset = 3_600_000;
        throw conflictAt(1);
      },
    });
    expect(await run(late, earn(id))).toEqual({ kind: 'contended' });
    offset = 0;
    expect(late.made).toEqual(['BatchGet', 'TransactWrite']);
  });

  test('is told of the database where that is away afterwards, and of the other one where its time is over', async () => {
    const id = await account();
    const error = gone();
    const away = started({
      before: (call) => {
        if (isWrite(call)) throw conflictAt(1);
        if (call.nth === 2) throw error;
      },
    });
    expect(await run(away, earn(id))).toEqual({ kind: 'unavailable', cause: error });
    const slow = started({
      before: async (call) => {
        if (isWrite(call)) throw conflictAt(1);
        if (call.nth === 2) await sleep(400);
      },
    });
    expect(await run(slow, earn(id), 300)).toEqual({ kind: 'contended' });
  });

  test('is carried out where nobody counts', async () => {
    const id = await account();
    const uncounted = started({
      isCounted: false,
      before: (call) => {
        if (isWrite(call) && call.nth === 1) throw conflictAt(1);
      },
    });
    const request = earn(id);
    expect(await run(uncounted, request)).toMatchObject({ kind: 'committed' });
    expect(await run(uncounted, again(request))).toMatchObject({ kind: 'replayed' });
    expect(await run(uncounted, earn(id, { roles: [] }))).toMatchObject({ kind: 'refused_for_now' });
    expect(counted).toEqual(['CommandsCommitted']);
  });

  test('whose refusal would rest on several moments waits until they are one', async () => {
    const seller = idIn(await run(api, create('sellers', {})));
    const auction = idIn(await run(api, create('auctions', { title: 'A press', seller })));
    await run(api, create('bids', { auction, amount: 100 }, { subject: 'first' }));
    const slow = started({
      before: async ({ command, nth }) => {
        if (command === 'BatchGet' && nth === 2)
          await run(api, create('bids', { auction, amount: 400 }, { subject: 'second' }));
        // Others are at what it looks at.
        if (command === 'TransactGet') throw conflictAt(0);
      },
    });
    expect(await run(slow, create('bids', { auction, amount: 300 }, { subject: 'third' }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'bid_too_low' },
    });
    expect(slow.made).toContain('TransactGet');
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(1);
  });

  test.each([
    ['a duplicate of its own', 0, 'in_progress'],
    ['another command', 1, 'contended'],
  ])('all the time is told so, where that is %s', async (_, at, kind) => {
    const id = await account();
    const crowded = started({
      before: (call) => {
        if (isWrite(call)) throw conflictAt(at);
      },
    });
    expect(await run(crowded, earn(id), 300)).toEqual({ kind });
    expect(crowded.made.filter((name) => name === 'TransactWrite').length).toBeGreaterThan(1);
    expect(counted).not.toContain('CommandsRefused');
  });

  test('is told at once where there is no room to wait', async () => {
    const id = await account();
    const full = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw conflictAt(1);
      },
    });
    expect(await run(full, earn(id))).toEqual({ kind: 'contended' });
    expect(full.made).toEqual(['BatchGet', 'TransactWrite']);
    const lost = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(lost, earn(id))).toEqual({ kind: 'unknown' });
  });

  test('creates by what it found taken, and waits for that', async () => {
    const showing = idIn(await run(api, create('showings', { title: 'x', capacity: 1 })));
    const room: string[] = [];
    const slow = started({
      waitingRoom: { enter: (_tenant, id) => (room.push(id), () => undefined) },
      before: async (call) => {
        if (!isWrite(call) || call.nth > 1) return;
        await run(api, create('reservations', { showingId: showing, customer: 'bob' }));
        throw conflictAt(3);
      },
    });
    expect(await run(slow, create('reservations', { showingId: showing, customer: 'ada' }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'sold_out' },
    });
    expect(room).toEqual([showing]);
    expect(slow.made).toEqual(['TransactWrite', 'BatchGet', 'Put']);
  });
});

describe('a command whose answer is lost', () => {
  test('finds its own record, and has committed', async () => {
    const losing = started({
      after: (call) => {
        if (isWrite(call) && call.nth === 1) throw gone();
      },
    });
    const outcome = await run(losing, create('point-accounts', { owner: 'ada' }));
    expect(outcome).toMatchObject({ kind: 'committed', answer: { version: 1 } });
    expect(await read(idIn(outcome))).toMatchObject({ version: 1 });
  });

  /** Nobody may wait in it, so that a command which lost is told at once. */
  const noRoom = { waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }) };
  const opening = () => create('point-accounts', { owner: 'ada' });

  test('looks once more before it is told that nobody knows', async () => {
    const losing = started({
      ...noRoom,
      after: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(losing, opening())).toMatchObject({ kind: 'committed', answer: { version: 1 } });
    expect(losing.made).toEqual(['TransactWrite', 'TransactGet']);
    const never = started({
      ...noRoom,
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(never, opening())).toEqual({ kind: 'unknown' });
    const silent = started({
      ...noRoom,
      before: () => {
        throw gone();
      },
    });
    expect(await run(silent, opening())).toEqual({ kind: 'unknown' });
    const broken = started({
      ...noRoom,
      before: (call) => {
        throw isWrite(call) ? gone() : new TypeError('a defect');
      },
    });
    await expect(run(broken, opening())).rejects.toThrow('a defect');
  });

  test('does not look for longer than was kept back of its time', async () => {
    const slow = started({
      ...noRoom,
      before: async ({ command }) => {
        if (command === 'TransactGet') await sleep(requestLimits.deadlineReserveMs * 0.8);
      },
      after: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(slow, opening())).toEqual({ kind: 'unknown' });
  });

  test('and is refused then may have committed all the same: so it is told', async () => {
    const id = await account();
    const request = earn(id);
    const losing = started({
      before: async (call) => {
        if (call.command === 'TransactGet') return;
        if (isWrite(call)) {
          await run(api, lock(id));
          throw gone();
        }
      },
    });
    expect(await run(losing, request)).toEqual({ kind: 'unknown' });
  });

  test('is unavailable where nothing was sent that could commit', async () => {
    const id = await account();
    const error = gone();
    const away = started({
      before: () => {
        throw error;
      },
    });
    expect(await run(away, earn(id))).toEqual({ kind: 'unavailable', cause: error });
    expect(counted).toEqual(['CommandsCommitted']);
  });
});

describe('a lock', () => {
  test('is taken with a fence that grows, and refused while another one has it', async () => {
    const id = await account();
    const before = clock.now();
    const first = await run(api, lock(id));
    expect(first).toMatchObject({
      kind: 'committed',
      answer: { kind: 'locked', lock: { by: 'alice', fence: 1 } },
    });
    const { token, expiresAt } = (first as { answer: { lock: { token: string; expiresAt: number } } }).answer
      .lock;
    expect(token).toMatch(/^[\w-]{22}$/);
    expect(expiresAt).toBeGreaterThanOrEqual(before + 60_000);
    expect(expiresAt).toBeLessThan(before + 70_000);
    expect(await run(api, lock(id))).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'locked' },
    });
    const give = (lockToken: string, more: object = {}) =>
      run(api, { ...lock(id), kind: 'unlock', lockToken, ...more } as never);
    expect(await give('other')).toMatchObject({ kind: 'refused', rejection: { code: 'lock_lost' } });
    expect(await give(token, { ifMatch: 9 })).toMatchObject({ rejection: { code: 'version_mismatch' } });
    expect(await give(token)).toMatchObject({ kind: 'committed' });
    expect(await read(id)).toMatchObject({ lock: { token: '', fence: 1, expiresAt: 0 } });
    expect(await give(token)).toMatchObject({ rejection: { code: 'lock_lost' } });
    expect(await run(api, lock(id))).toMatchObject({ answer: { lock: { fence: 2 } } });
  });

  test('is of an entity that is there, of its collection, and of the version that was seen', async () => {
    const nobody = 'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    expect(await run(api, lock(nobody))).toMatchObject({ rejection: { code: 'not_found' } });
    const unlock = { ...lock(nobody), kind: 'unlock', lockToken: 'x' } as never;
    expect(await run(api, unlock)).toMatchObject({ rejection: { code: 'not_found' } });
    const id = await account();
    expect(await run(api, lock(id, { ifMatch: 2 }))).toMatchObject({
      rejection: { code: 'version_mismatch' },
    });
    expect(await run(api, lock(id, { domain: of('articles') }))).toMatchObject({
      rejection: { code: 'not_found' },
    });
    expect(await run(api, lock(id, { ifMatch: 1 }))).toMatchObject({ kind: 'committed' });
  });

  test('is waited for until there is no time, and is had when it is free', async () => {
    const id = await account();
    await run(api, lock(id));
    expect(await run(api, lock(id, { wait: 'wait' }), 200)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'locked' },
    });
    offset += 60_000;
    expect(await run(api, lock(id, { wait: 'wait' }), 200)).toMatchObject({ answer: { lock: { fence: 2 } } });
    offset = 0;
  });

  test('is told of to the process while it is waited for, and no other wait is', async () => {
    const id = await account();
    const told: unknown[] = [];
    const listen = (notice: unknown): void => void told.push(notice);
    subscribe('commit-once.waits', listen);
    const crowded = started({
      before: (call) => {
        if (isWrite(call) && call.nth === 1) throw conflictAt(1);
      },
    });
    await run(crowded, lock(id));
    expect(told).toEqual([]);
    await run(api, lock(id, { wait: 'wait' }), 200);
    expect(told.slice(0, 2)).toEqual([{ change: 1 }, { change: -1 }]);
    unsubscribe('commit-once.waits', listen);
  });

  test('lets its holder commit while it lasts', async () => {
    const id = await account();
    const held = await run(api, lock(id));
    const { token } = (held as { answer: { lock: { token: string } } }).answer.lock;
    const slow = started({
      before: async (call) => {
        if (isWrite(call)) await sleep(50);
      },
    });
    expect(await run(slow, earn(id, { lockToken: token }))).toMatchObject({ kind: 'committed' });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite']);
    expect(await run(api, earn(id, { lockToken: 'other' }))).toMatchObject({
      rejection: { code: 'lock_lost' },
    });
  });

  test('that runs out while its holder commits ends the commit', async () => {
    const id = await account();
    const held = await run(api, lock(id, { ttlSeconds: 1 }));
    const { token } = (held as { answer: { lock: { token: string } } }).answer.lock;
    const slow = started({
      before: async (call) => {
        if (isWrite(call)) await new Promise((resolve) => setTimeout(resolve, 1_100));
      },
    });
    expect(await run(slow, earn(id, { lockToken: token }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'lock_lost' },
    });
    expect(await read(id)).toMatchObject({ version: 1 });
  });
});

describe('the answer of a receiver', () => {
  const said: Answer = {
    ...{ outcome: 'refused', by: 'receiver:notification', at: '2026-11-26T12:00:00.000Z' },
    refused: { code: '550', reason: 'No.' },
  };
  async function bounced(more: Partial<AnswerCommand> = {}): Promise<AnswerCommand> {
    const id = idIn(
      await run(api, create('invites', { workspace: randomUUID(), email: 'a@example.com', role: 'editor' })),
    );
    const message = messageItem({
      ...{ tenant, entityId: id, collection: 'invites', seq: 1, n: 0, type: 'invite.created' },
      ...{ topic: 'notification', payload: {}, createdAt: said.at },
    });
    return {
      ...{
        kind: 'answer',
        tenant,
        subject: said.by,
        requestId: 'r',
        domain: of('invites'),
        name: 'bounce',
        id,
      },
      input: { code: '550', reason: 'No.' },
      message,
      answer: said,
      ...more,
    };
  }
  const taken = async ({ message }: AnswerCommand): Promise<void> => {
    const { UpdateCommand } = await import('@aws-sdk/lib-dynamodb');
    await api.backend.store.client.send(
      new UpdateCommand({
        TableName: tables.outbox,
        Key: { pk: message.pk, sk: message.sk },
        UpdateExpression: 'SET answer = :answer',
        ExpressionAttributeValues: { ':answer': said },
      }),
    );
  };

  test('moves its entity once', async () => {
    const request = await bounced();
    await taken(request);
    expect(await run(api, request)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'undeliverable', version: 2 });
    expect(await run(api, request)).toMatchObject({ kind: 'refused_for_now' });
  });

  test('that has ended its message before moves nothing', async () => {
    const request = await bounced();
    expect(await run(api, request)).toEqual({ kind: 'replayed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'pending', version: 1 });
  });

  test('ends its message where its entity has gone on, if it is what it was', async () => {
    const request = await bounced();
    await taken(request);
    await run(api, transition('invites', 'revoke', request.id));
    expect(await run(api, request)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'revoked', version: 2 });
    const other = await bounced();
    await taken(other);
    const slow = started({
      before: async (call) => {
        if (isWrite(call) && call.nth === 1) await run(api, transition('invites', 'revoke', other.id));
      },
    });
    expect(await run(slow, other)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(other.id)).toMatchObject({ status: 'revoked', version: 2 });
  });

  test('waits where its entity does not take it, and may have moved it where an answer was lost', async () => {
    const request = await bounced({ id: 'inv_01JD2X5T9ZK4M8Q7W6V5B3N2HC' });
    expect(await run(api, request)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'not_found' },
    });
    const lost = await bounced();
    const losing = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(losing, lost)).toEqual({ kind: 'unknown' });
    expect(losing.made).not.toContain('TransactGet');
  });
});
