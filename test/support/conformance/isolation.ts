/** Tenants never see each other (guarantee G13). */
import { expect, it } from 'vitest';
import { routesOf } from '../../../functions/api/routes.ts';
import { ownedAccountName } from '../../../functions/core/postings.ts';
import { randomUUID } from 'node:crypto';
import type { Subject } from '../conformance.ts';
import { exampleOf } from '../examples.ts';
import { difference, dump } from '../table-dump.ts';

export function isolation({ domain, api, walk }: Subject): void {
  it('is not there for another tenant, on any route', async () => {
    const [owner, stranger] = [walk(), walk()];
    const { id } = await owner.create(domain);
    const { store, registry } = api().backend;
    const before = await dump(store);
    const routes = routesOf(registry).filter(
      ({ path, operation }) => 'domain' in operation && operation.domain === domain && path.includes('{id}'),
    );
    expect(routes.length).toBeGreaterThan(4);
    for (const { method, path, body } of routes) {
      const reply = await api().request(method, path.replace('{id}', id), {
        tenant: stranger.tenant,
        ...(method === 'POST' && { key: randomUUID() }),
        ...(body && { body: exampleOf(body) }),
        headers: { 'lock-token': 'x' },
      });
      expect([reply.status, reply.json['code']], path).toEqual([404, 'not_found']);
      expect(reply.text).not.toContain(owner.tenant);
    }
    expect(difference(before, await dump(store))).toEqual([]);
  });

  it('is not in another tenant’s lists, balances and keys', async () => {
    const [owner, stranger] = [walk(), walk()];
    const key = randomUUID();
    const prepared = await owner.prepareCreation(domain);
    const path = `/v1/${domain.collection}`;
    const created = await api().post(path, prepared.input, { ...owner.as(prepared), key });
    if (created.status !== 201) throw owner.refusal(domain, created);
    const id = String(created.json['id']);
    const own = await api().get(path, { tenant: owner.tenant });
    expect((own.json['items'] as { id: string }[]).map((item) => item.id)).toContain(id);
    for (const status of [undefined, ...domain.states]) {
      const query = status === undefined ? '' : `?status=${status}`;
      const list = await api().get(`${path}${query}`, { tenant: stranger.tenant });
      expect(list.json).toEqual({ items: [] });
    }
    for (const account of Object.keys(domain.accounts ?? {})) {
      const name = encodeURIComponent(ownedAccountName(id, account));
      const balance = await api().get(`/v1/balances/${name}`, { tenant: stranger.tenant });
      expect(balance.json['balance']).toBe(0);
    }
    // The same key is another tenant's to use, and its answer is about another entity.
    const theirs = await stranger.prepareCreation(domain);
    const reply = await api().post(path, theirs.input, { ...stranger.as(theirs), key });
    expect(reply.status, reply.text).toBe(201);
    expect(reply.json['id']).not.toBe(id);
    expect(reply.headers['idempotent-replayed']).toBeUndefined();
  });
}
