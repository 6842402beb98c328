/** Command x who: without the role nobody is told anything, and of people only those may whom the definition names. */
import { describe, expect, it } from 'vitest';
import { forbiddenTo, peopleOf } from '../../../functions/core/authorize.ts';
import { exampleCreators } from '../../../functions/core/examples.ts';
import { valueAt } from '../../../functions/core/entity.ts';
import type { Subject } from '../conformance.ts';
import { difference, dump } from '../table-dump.ts';
import { intruder } from '../walk-rulings.ts';

export function whoMay({ domain, walk }: Subject): void {
  const path = `/v1/${domain.collection}`;
  const commands = Object.entries(domain.transitions).filter(([, { internal }]) => internal !== true);

  describe('who may', () => {
    it('create one', async () => {
      const here = walk();
      const prepared = await here.prepareCreation(domain);
      const body = prepared.input;
      const before = await dump(here.api.backend.store);
      const { role } = domain.create;
      // A rule may look at roles, too: the example says which then.
      const roles = (role === undefined ? prepared.roles : undefined) ?? 'another';
      const reply = await here.api.post(path, body, { ...here.as(prepared), roles });
      expect([reply.status, reply.json['code'], reply.json['role']]).toEqual(
        role === undefined ? [201, undefined, body['role']] : [403, 'role_missing', role],
      );
      if (role !== undefined) expect(difference(before, await dump(here.api.backend.store))).toEqual([]);
    });

    const creators = domain.create.authorize ?? {};
    if (Object.keys(creators).length > 0)
      it(`"create": each of ${Object.keys(creators).join(', ')} turns others away`, async () => {
        const here = walk();
        const prepared = await here.prepareCreation(domain);
        const { store } = here.api.backend;
        for (const actor of exampleCreators(domain, prepared.input)) {
          const broken = forbiddenTo(actor, creators, (at) => prepared.input[at]);
          if (!broken) continue;
          const before = await dump(store);
          const reply = await here.api.post(path, prepared.input, here.as({ ...prepared, actor }));
          expect([reply.status, reply.json['code']], actor).toEqual([403, broken.code]);
          expect(difference(before, await dump(store))).toEqual([]);
        }
      });

    for (const [name, { role, authorize = {}, from }] of commands) {
      if (role !== undefined)
        it(`"${name}": who lacks the role "${role}" hears of nothing else`, async () => {
          const here = walk();
          const entity = await here.reach(domain, from[0] ?? '');
          const { input, actor } = await here.ready(entity.id, name);
          const { store } = here.api.backend;
          const before = await dump(store);
          const absent = `${entity.id.slice(0, -8)}00000000`;
          for (const id of [entity.id, absent]) {
            const body = domain.transitions[name]?.input ? input : undefined;
            const as = { tenant: here.tenant, subject: actor, roles: `not-${role} ${role}s` };
            const reply = await here.api.post(`${path}/${id}/${name}`, body, as);
            expect(reply.json).toMatchObject({ status: 403, code: 'role_missing', role });
          }
          expect(difference(before, await dump(store))).toEqual([]);
        });

      const codes = Object.keys(authorize);
      if (codes.length > 0)
        it(`"${name}": each of ${codes.join(', ')} turns others away, whatever the status`, async () => {
          for (const status of domain.states) {
            const here = walk();
            const entity = await here.reach(domain, status);
            const { input } = await here.prepare(entity, name);
            const named = Object.values(authorize).flatMap((one) =>
              peopleOf(one, (at) => valueAt(domain, entity, at)),
            );
            for (const actor of new Set([intruder, 'alice', ...named])) {
              const broken = forbiddenTo(actor, authorize, (at) => valueAt(domain, entity, at));
              if (!broken) continue;
              const { store } = here.api.backend;
              const before = await dump(store);
              const reply = await here.send(entity, name, { input, actor });
              expect([reply.status, reply.json['code']], `${actor} in ${status}`).toEqual([403, broken.code]);
              expect(difference(before, await dump(store))).toEqual([]);
            }
          }
        });
    }
  });
}
