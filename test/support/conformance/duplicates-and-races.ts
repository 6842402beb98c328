/** One key is one command, whoever sends it how often; two commands on one entity each get a true answer. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { EntityState } from '../../../functions/core/entity.ts';
import type { Reply } from '../backend.ts';
import { startBackend } from '../backend.ts';
import type { Subject } from '../conformance.ts';
import { countByKind, difference, dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';
import { isClosedWay } from '../walk-types.ts';
import type { Prepared } from '../walk-types.ts';

const same = ({ status, text, headers }: Reply): string =>
  JSON.stringify([status, text, headers['location'], headers['etag'], headers['content-type']]);

export function duplicatesAndRaces({ domain, api, walk }: Subject): void {
  const isPublic = ([, { internal }]: [string, { internal?: boolean }]): boolean => internal !== true;
  const names = Object.entries(domain.transitions)
    .filter(isPublic)
    .map(([name]) => name);
  const from = (name: string): string => domain.transitions[name]?.from[0] ?? '';

  /** Brings an entity to where a transition goes through. */
  async function ready(name: string) {
    const here = walk();
    const entity = await here.reach(domain, from(name));
    const command = await here.ready(entity.id, name);
    return { here, command, entity: await here.state(entity.id) };
  }

  describe('a duplicate', () => {
    it('of its creation is answered byte for byte', async () => {
      const here = walk();
      const prepared = await here.prepareCreation(domain);
      const send = (key: string, backend = api()): Promise<Reply> =>
        backend.post(`/v1/${domain.collection}`, prepared.input, { ...here.as(prepared), key });
      await expectOnce(here, send, { status: 201 });
    });

    it.each(names)('of "%s" is answered byte for byte', async (name) => {
      const { here, entity, command } = await ready(name);
      const path = `/v1/${domain.collection}/${entity.id}/${name}`;
      const body = domain.transitions[name]?.input ? command.input : undefined;
      const send = (key: string, backend = api()): Promise<Reply> =>
        backend.post(path, body, { ...here.as(command), key });
      await expectOnce(here, send, { status: 200 });
      expect((await here.state(entity.id)).version).toBe(entity.version + 1);
    });
  });

  /** Eight at once, one later, one to another process: one command, one answer. */
  async function expectOnce(
    here: Walk,
    send: (key: string, backend?: ReturnType<typeof api>) => Promise<Reply>,
    { status }: { status: number },
  ): Promise<void> {
    const key = randomUUID();
    const before = await dump(here.api.backend.store);
    const replies = await Promise.all(Array.from({ length: 8 }, () => send(key)));
    const counts = countByKind(difference(before, await dump(here.api.backend.store)));
    expect(counts.record).toBe(1);
    const elsewhere = await startBackend({
      tables: api().tables,
      domains: here.api.backend.registry.domains,
      clock: here.clock,
    });
    replies.push(await send(key), await send(key, elsewhere));
    elsewhere.backend.store.client.destroy();
    expect(replies[0]?.status, replies[0]?.text).toBe(status);
    expect([...new Set(replies.map(same))]).toEqual([same(replies[0] as Reply)]);
    expect(replies.slice(8).map(({ headers }) => headers['idempotent-replayed'])).toEqual(['true', 'true']);
    expect(countByKind(difference(before, await dump(here.api.backend.store)))).toEqual(counts);
  }

  /** Where what the first one wants of others keeps them from being as this one wants them, it is sent as they are. */
  async function besides(here: Walk, entity: EntityState, name: string): Promise<Prepared> {
    try {
      return await here.prepare(entity, name);
    } catch (error) {
      if (!isClosedWay(error)) throw error;
      return here.prepare(entity, name, {}, { asTheyAre: true });
    }
  }

  const pairs = domain.states.flatMap((status) => {
    const legal = names.filter((name) => domain.transitions[name]?.from.includes(status));
    return legal.flatMap((one, index) => legal.slice(index).map((other) => ({ status, one, other })));
  });

  it.each(pairs)(
    'in $status, $one and $other at once both get a true answer',
    async ({ status, one, other }) => {
      const here = walk();
      const { id } = await here.reach(domain, status);
      const first = await here.ready(id, one);
      const entity = await here.state(id);
      const commands = [first, await besides(here, entity, other)];
      const replies = await Promise.all(
        [one, other, one, other].map((name, index) =>
          here.send(entity, name, commands[index % 2] ?? { input: {}, actor: '' }),
        ),
      );
      const done = replies.filter(({ status: code }) => code === 200);
      const refused = replies.filter(({ status: code }) => code !== 200);
      expect((await here.state(id)).version).toBe(entity.version + done.length);
      expect(done.length).toBeGreaterThan(0);
      const versions = done.map(({ json }) => json['version'] as number).sort((a, b) => a - b);
      expect(versions).toEqual(done.map((_, index) => entity.version + 1 + index));
      for (const { status: code, text } of refused) expect([403, 409, 422], text).toContain(code);
    },
  );

  it.each(names)('"%s" on a version that is no more is refused', async (name) => {
    const { here, entity, command } = await ready(name);
    const path = `/v1/${domain.collection}/${entity.id}/${name}`;
    const body = domain.transitions[name]?.input ? command.input : undefined;
    const send = (tag: string): Promise<Reply> =>
      here.api.post(path, body, {
        ...here.as(command),
        headers: { 'if-match': tag },
      });
    const before = await dump(here.api.backend.store);
    const stale = await send(`"${entity.version + 1}"`);
    expect([stale.status, stale.json['code']]).toEqual([412, 'version_mismatch']);
    const counts = countByKind(difference(before, await dump(here.api.backend.store)));
    expect(counts).toEqual({ record: 1 });
    expect((await send(`"${entity.version}"`)).status).toBe(200);
  });

  it.each(names)('"%s" on a locked entity needs the lock’s token', async (name) => {
    const { here, entity, command } = await ready(name);
    const path = `/v1/${domain.collection}/${entity.id}`;
    const body = domain.transitions[name]?.input ? command.input : undefined;
    const as = here.as(command);
    const taken = await here.api.post(`${path}/lock`, { ttlSeconds: 60, wait: 'nowait' }, as);
    expect(taken.status).toBe(200);
    const without = await here.api.post(`${path}/${name}`, body, as);
    expect([without.status, without.json['code']]).toEqual([423, 'locked']);
    const wrong = await here.api.post(`${path}/${name}`, body, { ...as, headers: { 'lock-token': 'x' } });
    expect([wrong.status, wrong.json['code']]).toEqual([412, 'lock_lost']);
    const token = { 'lock-token': String(taken.json['token']) };
    const held = await here.api.post(`${path}/${name}`, body, { ...as, headers: token });
    expect(held.status, held.text).toBe(200);
  });
}
