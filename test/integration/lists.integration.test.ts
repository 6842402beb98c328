import { beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../functions/api/cursor.ts';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { RequestOptions, TestBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

const article = (tenant: string, slug: string) =>
  api.post('/v1/articles', { slug, title: 'Hello', body: 'It works.' }, { tenant });

async function articles(tenant: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = idOf(await article(tenant, `slug ${index}`));
    if (index % 3 > 0) await api.post(`/v1/articles/${id}/publish`, undefined, { tenant });
    ids.push(id);
  }
  return ids;
}

/** Follows a list to its end, doing something after each page. */
async function walked(
  path: string,
  options: RequestOptions,
  afterEach: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 100; page += 1) {
    const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const reply = await api.get(`${path}${next}`, options);
    expect(reply.status, reply.text).toBe(200);
    ids.push(...itemsOf(reply).map((item) => String(item['id'] ?? item['seq'])));
    cursor = reply.json['nextCursor'] as string | undefined;
    if (cursor === undefined) return ids;
    await afterEach(page);
  }
  throw new Error('the list has no end');
}

describe('a list', () => {
  it('is newest first and shows each once, whatever is created meanwhile', async () => {
    const options = { tenant: 'walker' };
    const ids = await articles('walker', 23);
    for (const limit of [1, 4, 22, 23, 24, 100]) {
      const seen = await walked(`/v1/articles?limit=${limit}`, options, (page) =>
        article('walker', `new ${limit} ${page}`),
      );
      expect(seen.filter((id) => ids.includes(id))).toEqual([...ids].reverse());
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  it('of one status has all of that status and no others', async () => {
    const options = { tenant: 'sorter' };
    const ids = await articles('sorter', 9);
    const published = await walked('/v1/articles?status=published&limit=2', options);
    const drafts = await walked('/v1/articles?status=draft&limit=2', options);
    expect([...published, ...drafts].sort()).toEqual([...ids].sort());
    expect(drafts).toHaveLength(3);
    expect(await walked('/v1/articles?status=archived&limit=2', options)).toEqual([]);
    expect(verdictOf(await api.get('/v1/articles?status=lost', options))).toEqual([400, 'invalid_request']);
  });

  it('shows 20 unless told, and 1 to 100', async () => {
    const options = { tenant: 'counter' };
    await articles('counter', 22);
    expect(itemsOf(await api.get('/v1/articles', options))).toHaveLength(20);
    expect(itemsOf(await api.get('/v1/articles?limit=100', options))).toHaveLength(22);
    for (const limit of ['0', '101', '-1', '1.5', 'x', '', '1e1', '0x10', '%201', '1e1000']) {
      const reply = await api.get(`/v1/articles?limit=${limit}`, options);
      expect(verdictOf(reply), limit).toEqual([400, 'invalid_request']);
      expect(reply.json['errors']).toEqual([{ path: 'limit', message: expect.any(String) as string }]);
    }
  });

  it.each([1, 2, 3])('of %i shows an entity once that is published meanwhile', async (limit) => {
    const options = { tenant: `mover ${limit}` };
    const ids = [idOf(await article(options.tenant, 'one')), idOf(await article(options.tenant, 'two'))];
    let draftsAreRead: () => void = () => undefined;
    const whenDraftsAreRead = new Promise<void>((resolve) => (draftsAreRead = resolve));
    const asks = (input: unknown, status: string): boolean =>
      JSON.stringify(input).includes(`#articles#${status}`);
    const slow = await startBackend({
      tables: api.tables,
      prepare: (client) => {
        intercept(client, {
          before: async ({ input }) => {
            if (!asks(input, 'published')) return;
            await whenDraftsAreRead;
            await api.post(`/v1/articles/${ids[1] ?? ''}/publish`, undefined, options);
          },
          after: ({ input }) => {
            if (asks(input, 'draft')) draftsAreRead();
          },
        });
      },
    });
    const reply = await slow.get(`/v1/articles?limit=${limit}`, options);
    expect(itemsOf(reply).map((item) => [item['id'], item['status']])).toEqual(
      [
        [ids[1], 'published'],
        [ids[0], 'draft'],
      ].slice(0, limit),
    );
  });

  it('shows an entity as a read of it does', async () => {
    const id = idOf(await article('reader', 'one'));
    const [item] = itemsOf(await api.get('/v1/articles', { tenant: 'reader' }));
    expect(item).toEqual((await api.get(`/v1/articles/${id}`, { tenant: 'reader' })).json);
  });
});

describe('a ledger', () => {
  it('is oldest first and walks without a gap, while it grows', async () => {
    const options = { tenant: 'points' };
    const path = `/v1/point-accounts/${idOf(await api.post('/v1/point-accounts', { owner: 'ada' }, options))}`;
    const earn = () => api.post(`${path}/earn`, { amount: 1, reason: 'x' }, options);
    for (let index = 0; index < 6; index += 1) await earn();
    const seen = await walked(`${path}/ledger?limit=2`, options, (page) =>
      page < 2 ? earn() : Promise.resolve(),
    );
    expect(seen).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('larger than what the database gives out at once is walked to its end', async () => {
    const options = { tenant: 'storyteller' };
    const path = `/v1/point-accounts/${idOf(await api.post('/v1/point-accounts', { owner: 'ada' }, options))}`;
    // 20 reasons of 60 KB are 1.2 MB, and a query gives out 1 MB.
    const reason = '漢'.repeat(20_000);
    for (let times = 0; times < 20; times += 1) {
      expect((await api.post(`${path}/earn`, { amount: 1, reason }, options)).status).toBe(200);
    }
    const all = Array.from({ length: 21 }, (_, index) => String(index + 1));
    for (const limit of [3, 20, 21, 100]) {
      expect(await walked(`${path}/ledger?limit=${limit}`, options), `limit ${limit}`).toEqual(all);
    }
  });
});

describe('a cursor', () => {
  it('of another list, tenant or filter, or made up, is refused', async () => {
    await articles('one', 3);
    await articles('two', 3);
    const { json } = await api.get('/v1/articles?limit=1', { tenant: 'one' });
    const cursor = encodeURIComponent(String(json['nextCursor']));
    expect((await api.get(`/v1/articles?limit=1&cursor=${cursor}`, { tenant: 'one' })).status).toBe(200);
    const wrong: readonly [path: string, tenant: string][] = [
      [`/v1/articles?cursor=${cursor}`, 'two'],
      [`/v1/articles?status=draft&cursor=${cursor}`, 'one'],
      [`/v1/invites?cursor=${cursor}`, 'one'],
      ['/v1/articles?cursor=x', 'one'],
      ['/v1/articles?cursor=', 'one'],
      [`/v1/articles?cursor=${cursor.slice(0, -3)}`, 'one'],
      [`/v1/articles?cursor=${'x'.repeat(3_000)}`, 'one'],
    ];
    for (const [path, tenant] of wrong) {
      expect(verdictOf(await api.get(path, { tenant })), path).toEqual([400, 'invalid_request']);
    }
  });

  it('that was made up shows no messages of what is not there, or of another tenant', async () => {
    const here = idOf(await article('owner', 'cursor of its own'));
    for (const id of [here, `art_${'0'.repeat(26)}`]) {
      const cursor = encodeCursor(['stranger', id, 'messages'], '0000000001#00');
      const path = `/v1/articles/${id}/messages?cursor=${cursor}`;
      expect(verdictOf(await api.get(path, { tenant: 'stranger' })), id).toEqual([404, 'not_found']);
    }
  });

  it.each(['', 'x', 'x'.repeat(1_400), '~', '\u0000', 'art_', '-1', '1e99', 'NaN', '99999999999'])(
    'forged with the position %j does no harm',
    async (position) => {
      const id = idOf(await article('forger', `forged ${position.slice(0, 20).replaceAll('\u0000', '0')}`));
      const lists = [
        [['forger', 'articles', undefined], '/v1/articles?'],
        [['forger', 'articles', 'draft'], '/v1/articles?status=draft&'],
        [['forger', 'articles', id, 'ledger'], `/v1/articles/${id}/ledger?`],
        [['forger', id, 'messages'], `/v1/articles/${id}/messages?`],
        [['forger', 'messages', undefined, undefined], '/v1/messages?'],
      ] as const;
      for (const [list, path] of lists) {
        const reply = await api.get(`${path}cursor=${encodeCursor(list, position)}`, { tenant: 'forger' });
        expect(reply.status, `${path} ${reply.text}`).toBeLessThan(500);
      }
    },
  );
});
