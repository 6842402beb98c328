/** What a command's headers say: its key, and the version it expects. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as limits from '../../functions/runtime/limits.ts';
import { answerAll } from '../support/answering.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };
const someId = '01JD2X5T9ZK4M8Q7W6V5B3N2HC';
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

const create = (headers: Readonly<Record<string, string>>) =>
  api.request('POST', '/v1/payments', { body: payment, headers });

const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('');

describe('an Idempotency-Key', () => {
  const malformed = [400, 'idempotency_key_malformed'];

  it.each<[string, string | undefined, readonly [number, string | undefined]]>([
    ['is needed', undefined, [400, 'idempotency_key_missing']],
    ['is not empty', '', [400, 'idempotency_key_missing']],
    ['may be 1 character', 'a', [201, undefined]],
    ['may be 255 characters', 'k'.repeat(255), [201, undefined]],
    ['may be 255 quoted characters', `"${'q'.repeat(255)}"`, [201, undefined]],
    ['is not 256 characters', 'k'.repeat(256), malformed as [number, string]],
    ['is not 256 quoted characters', `"${'k'.repeat(256)}"`, malformed as [number, string]],
    ['has no spaces', 'a b', malformed as [number, string]],
    ['has no quoted spaces', '"a b"', malformed as [number, string]],
    ['is not an empty quoted string', '""', malformed as [number, string]],
    ['closes its quotes', '"abc', malformed as [number, string]],
    ['escapes quotes within quotes', '"a"b"', malformed as [number, string]],
    ['is ASCII', 'ключ', malformed as [number, string]],
    ['has no control characters', 'a\tb', malformed as [number, string]],
    ['is not sent twice', 'k,k', malformed as [number, string]],
    ['is not sent twice with two values', 'a,b', malformed as [number, string]],
    ['is not sent twice in quotes', '"k","k"', malformed as [number, string]],
    ['is not sent twice, once empty', ',k', malformed as [number, string]],
    ['may have a comma in quotes', '"a,b"', [201, undefined]],
    ['may be 255 escaped characters', `"${'\\\\'.repeat(255)}"`, [201, undefined]],
    ['is not 256 escaped characters', `"${'\\\\'.repeat(256)}"`, malformed as [number, string]],
    ['may be any other visible character', visible.replaceAll(/[",]/g, ''), [201, undefined]],
  ])('%s', async (_name, key, verdict) => {
    const reply = await create(key === undefined ? {} : { 'idempotency-key': key });
    expect(verdictOf(reply), reply.text).toEqual(verdict);
  });

  it('is the same bare and quoted, escaped too', async () => {
    const bare = await create({ 'idempotency-key': 'a"b\\c' });
    const quoted = await create({ 'idempotency-key': '"a\\"b\\\\c"' });
    expect([quoted.text, quoted.headers['idempotent-replayed']]).toEqual([bare.text, 'true']);
  });

  it('belongs to a tenant, a subject and a path', async () => {
    const key = 'shared';
    const replies: Reply[] = [
      await api.post('/v1/payments', payment, { key }),
      await api.post('/v1/payments', payment, { key, subject: 'bob' }),
      await api.post('/v1/payments', payment, { key, tenant: 'globex' }),
    ];
    expect(new Set(replies.map(idOf)).size).toBe(3);
    const confirmed = await api.post(`/v1/payments/${idOf(replies[0] as Reply)}/confirm`, undefined, { key });
    expect([confirmed.status, confirmed.headers['idempotent-replayed']]).toEqual([200, undefined]);
  });

  it('of a request that failed before a decision may be used again', async () => {
    const key = 'second-try';
    for (const [body, status] of [
      [{ ...payment, amount: 0 }, 400],
      [payment, 201],
    ] as const) {
      expect((await api.post('/v1/payments', body, { key })).status).toBe(status);
    }
    const late = 'not-there-yet';
    const missing = await api.post(`/v1/payments/pay_${someId}/confirm`, undefined, { key: late });
    expect(missing.status).toBe(404);
    expect(
      (await api.post(`/v1/payments/pay_${someId}/confirm`, undefined, { key: late })).headers[
        'idempotent-replayed'
      ],
    ).toBeUndefined();
  });
});

describe('If-Match', () => {
  it('is the version, quoted, or anything', async () => {
    const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
    const confirm = (tag: string) => api.post(`${path}/confirm`, undefined, { headers: { 'if-match': tag } });
    for (const stale of ['"2"', '"0"', 'W/"1"', '"x"', '"99999999999999999999"']) {
      expect(verdictOf(await confirm(stale)), stale).toEqual([412, 'version_mismatch']);
    }
    for (const malformed of ['', '1', '"1', '"1", "2"', '"1","1"', '*,*', 'W/"1",W/"1"', 'x']) {
      expect(verdictOf(await confirm(malformed)), malformed).toEqual([400, 'if_match_malformed']);
    }
    expect((await confirm('"1"')).status).toBe(200);
    await answerAll(api, 'acme');
    expect((await api.post(`${path}/refund`, { amount: 1 }, { headers: { 'if-match': '*' } })).status).toBe(
      200,
    );
  });

  it('that is empty changes nothing', async () => {
    const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
    const refused = await api.post(`${path}/confirm`, undefined, { headers: { 'if-match': '' } });
    expect(verdictOf(refused)).toEqual([400, 'if_match_malformed']);
    expect((await api.get(path)).json).toMatchObject({ status: 'pending', version: 1 });
  });

  it('holds for a lock, too', async () => {
    const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
    const at = (tag: string, headers = {}) => ({ headers: { 'if-match': tag, ...headers } });
    const lock = { ttlSeconds: 30, wait: 'nowait' };
    expect(verdictOf(await api.post(`${path}/lock`, lock, at('"2"')))).toEqual([412, 'version_mismatch']);
    const held = await api.post(`${path}/lock`, lock, at('"1"'));
    expect(held.status).toBe(200);
    const token = { 'lock-token': String(held.json['token']) };
    expect(verdictOf(await api.post(`${path}/unlock`, undefined, at('"2"', token)))).toEqual([
      412,
      'version_mismatch',
    ]);
    expect((await api.post(`${path}/confirm`, undefined, { headers: token })).status).toBe(200);
    expect((await api.post(`${path}/unlock`, undefined, at('"2"', token))).status).toBe(204);
    // What does not wait for a lock does not wait for a version that is gone, either.
    expect(verdictOf(await api.post(`${path}/lock`, { ...lock, wait: 'wait' }, at('"1"')))).toEqual([
      412,
      'version_mismatch',
    ]);
  });
});

describe('a Lock-Token', () => {
  const { tokenMaxCharacters } = limits.lock;

  it('has the form of those that `lock` gives, once', async () => {
    const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
    const held = await api.post(`${path}/lock`, { ttlSeconds: 30, wait: 'nowait' });
    const token = String(held.json['token']);
    const send = (sent: string) =>
      api.post(`${path}/confirm`, undefined, { headers: { 'lock-token': sent } });
    for (const malformed of ['', `${token},${token}`, 'a b', '"x"', 'x'.repeat(tokenMaxCharacters + 1)]) {
      expect(verdictOf(await send(malformed)), malformed).toEqual([400, 'lock_token_malformed']);
    }
    expect(verdictOf(await send('x'.repeat(tokenMaxCharacters)))).toEqual([412, 'lock_lost']);
    expect((await send(token)).status).toBe(200);
  });
});

describe('a body', () => {
  it('is not compressed', async () => {
    for (const coding of ['gzip', 'br', 'identity, gzip', 'GZIP']) {
      const reply = await api.post('/v1/payments', payment, { headers: { 'content-encoding': coding } });
      expect([...verdictOf(reply), reply.headers['accept-encoding']], coding).toEqual([
        415,
        'unsupported_media_type',
        'identity',
      ]);
    }
    const plain = await api.post('/v1/payments', payment, { headers: { 'content-encoding': 'Identity' } });
    expect(plain.status).toBe(201);
  });
});

describe('a query parameter', () => {
  it('is given once', async () => {
    for (const query of [
      'limit=1&limit=1',
      'limit=1&limit=2',
      'status=pending&limit=1&status=pending',
      'x&x',
    ]) {
      const reply = await api.get(`/v1/payments?${query}`);
      expect(verdictOf(reply), query).toEqual([400, 'invalid_request']);
      expect(reply.json['errors']).toMatchObject([{ path: query.split(/[=&]/)[0] }]);
    }
  });
});

describe('a method', () => {
  it('that no route answers is 405, whatever it is, and 404 where nothing is', async () => {
    for (const method of ['TRACE', 'TRACK', 'CONNECT', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      const reply = await api.request(method, '/v1/payments');
      expect([...verdictOf(reply), reply.headers['allow']], method).toEqual([
        405,
        'method_not_allowed',
        'POST, GET, HEAD',
      ]);
      expect(verdictOf(await api.request(method, '/v1/nothing')), method).toEqual([404, 'not_found']);
    }
  });

  it('HEAD is answered with the length of what a GET is answered', async () => {
    const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
    for (const read of [path, '/v1/payments?limit=1', '/health']) {
      const [got, head] = [await api.get(read), await api.request('HEAD', read)];
      expect([head.status, head.text, head.headers['content-length']], read).toEqual([
        200,
        '',
        String(Buffer.byteLength(got.text)),
      ]);
    }
  });
});
