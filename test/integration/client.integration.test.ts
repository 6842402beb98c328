/** The client: every call is answered, and done once, over a connection that is not to be relied on. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, RequestFailedError } from '../../functions/client/client.ts';
import { articles } from '../../functions/domains/articles.ts';
import { payments } from '../../functions/domains/payments.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { earnThrough, startLossyConnection, without } from '../support/lossy-connection.ts';
import type { LossyConnection } from '../support/lossy-connection.ts';

const payment = { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' };
const domains = { payments, pointAccounts, articles };

describe('over a connection', () => {
  let api: TestBackend;
  let lossy: LossyConnection;
  let whole: LossyConnection;

  beforeAll(async () => {
    api = await startBackend();
    const forward: Parameters<typeof startLossyConnection>[0] = async ({ method, path, headers, body }) => {
      // The claims come from the authorizer in front, which is not here.
      const rest = without(headers, 'authorization');
      const reply = await api.request(method, path, { headers: rest, ...(body !== '' && { rawBody: body }) });
      return { status: reply.status, headers: reply.headers, body: reply.text };
    };
    lossy = await startLossyConnection(forward, { lostShare: 0.3, delayMaxMs: 20 });
    whole = await startLossyConnection(forward, { lostShare: 0, delayMaxMs: 0 });
  });
  afterAll(() => Promise.all([lossy.stop(), whole.stop()]));

  const clientOf = ({ url }: LossyConnection) => createClient({ baseUrl: `${url}/`, token: 'x', domains });

  it('that loses 30 % of the answers, each command is done once and answered', async () => {
    const { results, accounts } = await earnThrough(lossy.url, 'x', {
      accounts: 20,
      commands: 200,
      atOnce: 10,
      // The same tries as with the pauses of production, of up to five seconds, but sooner.
      patience: { pauseMaxMs: 200 },
    });
    expect(results).toEqual({ done: 200 });
    for (const { asked, entries, balance } of accounts) expect([entries, balance]).toEqual([asked, asked]);
    const { lost, answered } = lossy.counts;
    expect(lost / (lost + answered)).toBeGreaterThan(0.2);
  });

  it('says what was done, and again under the same key', async () => {
    const client = clientOf(whole);
    const options = { idempotencyKey: 'mine' };
    const first = await client.payments.create(payment, options);
    expect(first).toMatchObject({ kind: 'done', isReplay: false, entity: { ...payment, status: 'pending' } });
    const again = await client.payments.create(payment, options);
    expect(again).toEqual({ ...first, isReplay: true });
    expect(await client.payments.create({ ...payment, amount: 1 }, options)).toEqual({
      ...{ kind: 'failed', code: 'idempotency_key_reused', status: 422, idempotencyKey: 'mine' },
    });
  });

  it('tells refusals by their codes', async () => {
    const client = clientOf(whole);
    const opened = await client.pointAccounts.create({ owner: 'ada' });
    if (opened.kind !== 'done') throw new Error(opened.code);
    const { id } = opened.entity;
    const codeOf = async (call: Promise<{ readonly kind: string; readonly code?: string }>) => {
      const { kind, code } = await call;
      return [kind, code];
    };
    const spend = { amount: 5, reason: 'A coffee' };
    expect(await codeOf(client.pointAccounts.spend(id, spend))).toEqual(['refused', 'insufficient_balance']);
    await client.pointAccounts.earn(id, { amount: 10, reason: 'Welcome' });
    // The entity as it was before is out of date now.
    expect(await codeOf(client.pointAccounts.spend(opened.entity, spend))).toEqual([
      'refused',
      'version_mismatch',
    ]);
    expect(await codeOf(client.pointAccounts.close(id))).toEqual(['refused', 'balance_not_zero']);
    expect(await codeOf(client.pointAccounts.transfer(id, { to: id, amount: 1 }))).toEqual([
      ...['refused', 'unprocessable'],
    ]);
    expect(await codeOf(client.payments.confirm('pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC'))).toEqual([
      'refused',
      'not_found',
    ]);
    const article = { slug: 'hello', title: 'Hello', body: 'It works.' };
    await client.articles.create(article);
    expect(await codeOf(client.articles.create(article))).toEqual(['refused', 'already_exists']);
    expect(await client.payments.create({ ...payment, amount: -1 })).toMatchObject({
      ...{ kind: 'failed', code: 'invalid_request', status: 400 },
    });
  });

  it('walks through all pages', async () => {
    const client = clientOf(whole);
    const created: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const result = await client.articles.create({ slug: `page-${n}`, title: 'A page', body: 'It works.' });
      if (result.kind === 'done') created.unshift(result.entity.id);
    }
    const seen: string[] = [];
    for await (const { id, slug } of client.articles.list({ status: 'draft', limit: 2 }))
      if (slug.startsWith('page-')) seen.push(id);
    expect(seen).toEqual(created);
    expect(await client.articles.get(created[0] ?? '')).toMatchObject({ slug: 'page-4' });
    expect(await client.articles.get('art_01JD2X5T9ZK4M8Q7W6V5B3N2HC')).toBeUndefined();
    const lines = client.balances.entries('bank:shop:EUR');
    await expect(lines[Symbol.asyncIterator]().next()).rejects.toThrow(RequestFailedError);
  });
});

describe('a call', () => {
  /** What the server answers to each try, and what it was sent. */
  let answers: readonly (readonly [status: number, code?: string, retryAfter?: string])[];
  let keys: unknown[];
  let tokens: unknown[];
  const server = createServer((request, response) => {
    const [status, code, retryAfter] = answers[keys.length] ?? [200];
    keys.push(request.headers['idempotency-key']);
    tokens.push(request.headers.authorization);
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    response.end(JSON.stringify(code === undefined ? { id: 'pay_1', version: 1 } : { code }));
  });
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    [keys, tokens] = [[], []];
  });

  const patience = { pauseMs: 1, pauseMaxMs: 2, attemptsMax: 3 };
  const client = (more: Partial<typeof patience> & { totalMs?: number } = {}) =>
    createClient({
      baseUrl: url,
      token: () => `token-${tokens.length}`,
      domains,
      patience: { ...patience, ...more },
    });

  it.each([
    [503, 'contended'],
    [503, 'outcome_unknown'],
    [409, 'request_in_progress'],
    [429, undefined],
    [500, 'internal'],
  ])(
    'that is answered %i %s is tried again: under its key, and with a token of that moment',
    async (status, code) => {
      answers = [[status, code ?? 'x', '0'], [200]];
      expect(await client().payments.confirm('pay_1')).toMatchObject({ kind: 'done' });
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
      expect(tokens).toEqual(['Bearer token-0', 'Bearer token-1']);
    },
  );

  it('has a key of its own', async () => {
    answers = [];
    await client().payments.confirm('pay_1');
    await client().payments.confirm('pay_1');
    expect(new Set(keys).size).toBe(2);
  });

  it.each([
    [400, 'invalid_request'],
    [401, 'unauthorized'],
    [403, 'insufficient_scope'],
    [422, 'idempotency_key_reused'],
  ])('that is answered %i %s failed, and is not tried again', async (status, code) => {
    answers = [[status, code]];
    expect(await client().payments.confirm('pay_1')).toMatchObject({ kind: 'failed', code, status });
    expect(keys).toHaveLength(1);
  });

  it('that nobody answers has failed after so many tries, with the key under which to ask again', async () => {
    answers = [[503, 'x', '0'], [503, 'x', '0'], [503, 'unavailable', '0'], [200]];
    const { kind, ...failed } = await client().payments.confirm('pay_1', { idempotencyKey: 'mine' });
    expect([kind, failed]).toEqual(['failed', { code: 'unavailable', status: 503, idempotencyKey: 'mine' }]);
    expect(keys).toHaveLength(patience.attemptsMax);
    const nowhere = createClient({
      baseUrl: 'http://127.0.0.1:9',
      token: 'x',
      domains,
      patience: patience,
    });
    expect(await nowhere.payments.confirm('pay_1')).toMatchObject({ kind: 'failed', code: 'unanswered' });
  });

  it('does not wait for longer than it has time', async () => {
    answers = [[503, 'contended', '60'], [200]];
    expect(await client({ totalMs: 1_000 }).payments.confirm('pay_1')).toMatchObject({ code: 'contended' });
    expect(keys).toHaveLength(1);
  });

  it('ends where its caller ends it', async () => {
    answers = [[503, 'contended', '30'], [200]];
    const ended = new AbortController();
    const call = client().payments.confirm('pay_1', { signal: ended.signal });
    ended.abort(new Error('the caller left'));
    await expect(call).rejects.toThrow('the caller left');
  });

  it('of a code that its definition does not know is another refusal', async () => {
    answers = [[409, 'too_late_in_the_day']];
    expect(await client().payments.confirm('pay_1')).toMatchObject({
      ...{ kind: 'refused', code: 'other_refusal', problem: { code: 'too_late_in_the_day' } },
    });
  });

  it('needs transitions that the client has no other use for', () => {
    const clash = { ...articles, transitions: { list: articles.transitions['publish'] } } as typeof articles;
    expect(() => createClient({ baseUrl: url, token: 'x', domains: { clash } })).toThrow(/another name/);
  });
});
