/** What a key answers, and what becomes of the key of a command that is refused. */
import { randomUUID } from 'node:crypto';
import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import type { BeginCommand, CreateCommand } from '../../functions/commands/command.ts';
import { execute } from '../../functions/commands/execute.ts';
import { IdempotencyKeys } from '../../functions/commands/idempotency-keys.ts';
import type { Outcome } from '../../functions/commands/outcome.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { idempotency } from '../../functions/runtime/limits.ts';
import { loans } from '../support/toy-domain.ts';
import { gone, conflictAt, idIn, again, run, commandProcesses } from '../support/command-processes.ts';

const { api, clock, counted, started, create, transition, lock, earn, account, read } = commandProcesses();

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
    const lending = { ...loans, create: { ...loans.create, role: 'librarian' } } as Domain;
    const refused = { ...create('point-accounts', { owner: 'ada' }), domain: lending, roles: ['reader'] };
    expect(await run(api, refused)).toMatchObject({ rejection: { code: 'role_missing' } });
    expect(api.made).toEqual([]);
    expect(counted.slice(1)).toEqual(['CommandsRefused', 'CommandsRefused']);
  });

  test('is of whom its definition lets, by what is sent and by what its entity says', async () => {
    const article = 'art_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    const lent = create('book-loans', { book: 'Momo', member: 'bob', article });
    expect(await run(api, lent)).toMatchObject({ rejection: { code: 'not_for_yourself' } });
    const asked = { title: 'Leave', approvers: ['bob', 'carol'], quorum: 2 };
    const id = idIn(await run(api, create('approvals', asked)));
    await run(api, transition('approvals', 'submit', id));
    expect(await run(api, transition('approvals', 'approve', id))).toMatchObject({
      rejection: { kind: 'forbidden' },
    });
    const approved = transition('approvals', 'approve', id, {}, { subject: 'bob' });
    expect(await run(api, approved)).toMatchObject({ kind: 'committed' });
  });

  test('is of the version that its caller saw, where that one says so', async () => {
    const id = await account();
    expect(await run(api, earn(id, { ifMatch: 2 }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'version_mismatch' },
    });
    expect(await run(api, earn(id, { ifMatch: 1 }))).toMatchObject({ answer: { version: 2 } });
  });

  test('is held to what never changes of an entity that it does not read', async () => {
    const seats = ['A1', 'A2'];
    const showingId = idIn(await run(api, create('showings', { title: 'x', capacity: 2, seats })));
    const taking = (seat: string) => create('reservations', { showingId, customer: 'ada', seat });
    expect(await run(api, taking('X1'))).toMatchObject({
      kind: 'refused',
      rejection: { kind: 'unprocessable' },
    });
    expect(await run(api, taking('A1'))).toMatchObject({ kind: 'committed' });
  });

  test('that begins what is no entity writes what it was handed, once', async () => {
    const { tenant, backend } = api;
    const Item = { pk: `${tenant}#x`, sk: 'x' };
    const written = { Put: { TableName: backend.store.tables.data, Item } };
    const request: BeginCommand = {
      ...{
        kind: 'begin',
        tenant,
        subject: 'alice',
        requestId: randomUUID(),
        id: 'rdr_1',
        path: '/v1/redrives',
      },
      ...{ idempotencyKey: randomUUID(), payload: {}, view: { id: 'rdr_1' } },
      items: [{ label: { purpose: 'redrive run' }, item: written }],
      answerOf: (result) => ({ ...result }),
    };
    const answer = { kind: 'begun', view: { id: 'rdr_1' } };
    expect(await run(api, request)).toEqual({ kind: 'committed', answer });
    expect(await run(started(), again(request))).toEqual({ kind: 'replayed', answer });
    const get = new GetCommand({ TableName: backend.store.tables.data, Key: Item, ConsistentRead: true });
    expect((await backend.store.client.send(get)).Item).toEqual(Item);
  });

  test('that a caller asks for is refused in a state in which an answer is ignored', async () => {
    const invite = { workspace: 'w', email: 'a@example.com', role: 'editor' };
    const id = idIn(await run(api, create('invites', invite)));
    await run(api, transition('invites', 'revoke', id));
    const bounce = transition('invites', 'bounce', id, { code: '550', reason: 'No.' });
    expect(await run(api, bounce)).toMatchObject({ rejection: { code: 'transition_not_allowed' } });
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
    const earned = earn(idIn(first));
    await run(api, earned);
    clock.advance(idempotency.retentionSeconds * 1000 - 5_000);
    expect(await run(started(), again(request))).toMatchObject({ kind: 'replayed' });
    expect(await run(started(), again(earned))).toMatchObject({ kind: 'replayed', answer: { version: 2 } });
    clock.advance(10_000);
    expect(idIn(await run(started(), again(request)))).not.toBe(idIn(first));
    expect(await run(started(), again(earned))).toMatchObject({ kind: 'committed', answer: { version: 3 } });
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
            result.output.Responses[api.backend.store.tables.idempotency] = [];
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
    expect(await run(never, again(earn(id)), 1_000)).toEqual({ kind: 'in_progress' });
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
    expect(await run(failing(conflict), spend(id), 1_000)).toEqual({ kind: 'in_progress' });
    const lost = gone();
    expect(await run(failing(lost), spend(id), 1_000)).toEqual({ kind: 'unavailable', cause: lost });
    await expect(run(failing(new TypeError('a defect')), spend(id))).rejects.toThrow('a defect');
  });
});
