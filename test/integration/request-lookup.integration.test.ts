/** What an Idempotency-Key was answered, for an operator: `GET /v1/requests`. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { idempotency } from '../../functions/runtime/limits.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, RequestOptions, TestBackend } from '../support/backend.ts';
import { whileRecordsAreWritten } from '../support/contention.ts';
import { difference, dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock();
// Nothing that a random id could hold by chance.
const payment = { payer: 'yvonne', payee: 'shop', amount: 999_999_999_999, currency: 'EUR' };
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock });
});

const asked = (query: Readonly<Record<string, string>>, options: RequestOptions = {}): Promise<Reply> =>
  api.get(`/v1/requests?${new URLSearchParams(query).toString()}`, options);
const path = '/v1/payments';

describe('a request', () => {
  it('is told by its key: its answer, its entity, its entry, and until when', async () => {
    const key = randomUUID();
    const created = await api.post(path, payment, { key });
    const id = idOf(created);
    const confirm = `${path}/${id}/confirm`;
    const confirmed = await api.post(confirm, undefined, { key });
    const before = await dump(api.backend.store);
    for (const [at, reply, seq, command] of [
      [path, created, 1, 'create'],
      [confirm, confirmed, 2, 'confirm'],
    ] as const) {
      const { status, json } = await asked({ key, path: at });
      expect(status).toBe(200);
      expect(json).toMatchObject({
        ...{ key, path: at, subject: 'alice', entity: id, requestId: reply.headers['x-request-id'] },
        answer: { status: reply.status, etag: reply.headers['etag'], body: reply.json },
        entry: { seq, command, actor: 'alice' },
      });
      const leftMs = Date.parse(String(json['expiresAt'])) - clock.now();
      expect(leftMs).toBeGreaterThan((idempotency.retentionSeconds - 60) * 1000);
      expect((await asked({ key: `"${key}"`, path: at })).json).toEqual(json);
    }
    // It is looked at, and nothing else: it writes nothing, and the key is as it was.
    expect(difference(before, await dump(api.backend.store))).toEqual([]);
    expect((await api.post(confirm, undefined, { key })).headers['idempotent-replayed']).toBe('true');
  });

  it('that was refused is told with its refusal, and has no entry', async () => {
    const key = randomUUID();
    const id = idOf(await api.post(path, payment));
    const refund = `${path}/${id}/refund`;
    const refused = await api.post(refund, { amount: 1 }, { key });
    expect(verdictOf(refused)).toEqual([409, 'transition_not_allowed']);
    const { json } = await asked({ key, path: refund });
    expect(json).toMatchObject({ entity: id, answer: { status: 409, body: refused.json } });
    expect(json).not.toHaveProperty('entry');
  });

  it('for a lock is told without its token', async () => {
    const key = randomUUID();
    const lock = `${path}/${idOf(await api.post(path, payment))}/lock`;
    const held = await api.post(lock, { ttlSeconds: 30, wait: 'nowait' }, { key });
    const { token, ...rest } = held.json;
    const { json, text } = await asked({ key, path: lock });
    expect(json['answer']).toEqual({ status: 200, body: rest });
    expect(text).not.toContain(String(token));
  });

  it('is its sender’s and its tenant’s alone', async () => {
    const key = 'a/b"c,\\d';
    const quoted = '"a/b\\"c,\\\\d"';
    await api.post(path, payment, { key: quoted, subject: 'carol' });
    const found = { key: quoted, path, subject: 'carol' };
    expect((await asked(found)).json).toMatchObject({ key, subject: 'carol' });
    const notFound = [404, 'not_found'];
    expect(verdictOf(await asked({ key: quoted, path }))).toEqual(notFound);
    expect(verdictOf(await asked(found, { tenant: 'other' }))).toEqual(notFound);
    expect(verdictOf(await asked({ ...found, path: '/v1/articles' }))).toEqual(notFound);
    expect(verdictOf(await asked({ ...found, key: 'never' }))).toEqual(notFound);
  });

  it('tells what entities hold to who may read entities', async () => {
    const key = randomUUID();
    await api.post(path, payment, { key });
    const { status, json, text } = await asked({ key, path }, { scope: 'ops' });
    expect([status, (json['answer'] as { status: number }).status]).toEqual([200, 201]);
    expect(text).not.toMatch(/yvonne|shop|999999999999/);
    expect(verdictOf(await asked({ key, path }, { scope: 'commands' }))).toEqual([403, 'insufficient_scope']);
  });

  it('that is being written is told to ask again, and neither missing nor half of it', async () => {
    const key = randomUUID();
    await api.post(path, payment, { key });
    const other = await startBackend({
      clock,
      tables: api.tables,
      prepare: (client) => {
        whileRecordsAreWritten(client, api.tables.idempotency);
      },
    });
    const again = async () => (await other.get(`/v1/requests?key=${key}&path=${path}`)).status;
    expect([await again(), await again(), await again()]).toEqual([409, 409, 200]);
  });

  it('is not told of after its answer has run out, whether or not the table has taken it away', async () => {
    const key = randomUUID();
    await api.post(path, payment, { key });
    const { expiresAt } = (await asked({ key, path })).json;
    const end = Date.parse(String(expiresAt));
    expect((await clock.at(end - 1_000, () => asked({ key, path }))).status).toBe(200);
    expect((await clock.at(end, () => asked({ key, path }))).status).toBe(404);
  });

  it.each([
    ['without a key', { path }, 'invalid_request'],
    ['without a path', { key: 'k' }, 'invalid_request'],
    ['with another parameter', { key: 'k', path, tenant: 'other' }, 'invalid_request'],
    ['with a key that none can be', { key: 'ä', path }, 'idempotency_key_malformed'],
  ])('%s is not asked for', async (_, query, code) => {
    expect(verdictOf(await asked(query as unknown as Record<string, string>))).toEqual([400, code]);
  });
});
