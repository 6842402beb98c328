/** What a creation needs of others: unique values that are free, entities it refers to, places that are left. */
import { describe, expect, it } from 'vitest';
import type { EntityState } from '../../../functions/core/entity.ts';
import { valueAt } from '../../../functions/core/entity.ts';
import { collectionOf } from '../../../functions/core/others.ts';
import { firstBroken } from '../../../functions/core/rules.ts';
import type { Subject } from '../conformance.ts';
import type { Extent } from '../examples.ts';
import { countByKind, difference, dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';

const extents: readonly Extent[] = ['every field', 'required fields'];

export function uniqueness({ domain, walk }: Subject): void {
  const constraints = domain.unique ?? [];
  const path = `/v1/${domain.collection}`;

  if (constraints.length > 0)
    describe('its unique values', () => {
      it('are held by one entity, of many created at once', async () => {
        const here = walk();
        const { input: body, ...caller } = await here.prepareCreation(domain);
        const as = here.as({ input: body, ...caller });
        const replies = await Promise.all(Array.from({ length: 8 }, () => here.api.post(path, body, as)));
        expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
        const refused = replies.filter(({ status }) => status !== 201);
        expect(new Set(refused.map(({ status, json }) => `${status} ${String(json['code'])}`))).toEqual(
          new Set(['409 already_exists']),
        );
        const names = constraints.map(({ name }) => name);
        for (const { json } of refused) expect(names).toContain(json['constraint']);
      });

      it('are another tenant’s to take as well', async () => {
        const [one, other] = [walk(), walk()];
        const replies = await Promise.all([one.create(domain), other.create(domain)]);
        expect(replies).toHaveLength(2);
      });

      it.each(domain.states)('are free again in "%s", or kept, as the definition says', async (status) => {
        const here = walk();
        const prepared = await here.prepareCreation(domain, await here.beginning(domain, status));
        const [body, as] = [prepared.input, here.as(prepared)];
        const created = await here.api.post(path, body, as);
        await here.bring(String(created.json['id']), [status]);
        const isHeld = constraints.some((unique) => unique.while.includes(status));
        const again = await here.api.post(path, body, as);
        expect([again.status, again.json['code']], again.text).toEqual(
          isHeld ? [409, 'already_exists'] : [201, undefined],
        );
        if (isHeld) return;
        const third = await here.api.post(path, body, as);
        expect(third.json['code']).toBe('already_exists');
      });
    });

  const referred = Object.values(domain.create.references ?? {}).map((other) => collectionOf(domain, other));

  if (referred.length > 0)
    describe('what it refers to', () => {
      it('has to exist', async () => {
        const [here, elsewhere] = [walk(), walk()];
        // What it names is another tenant's, and so it is not there.
        const prepared = await elsewhere.prepareCreation(domain);
        const before = await dump(here.api.backend.store);
        const reply = await here.api.post(path, prepared.input, here.as(prepared));
        expect([reply.status, reply.json['code']]).toEqual([422, 'unprocessable']);
        expect(countByKind(difference(before, await dump(here.api.backend.store)))).toEqual({ record: 1 });
      });

      const cases = [...new Set(referred)].flatMap((collection) =>
        extents.flatMap((ours) => extents.map((theirs) => ({ collection, ours, theirs }))),
      );
      it.each(cases)('has to satisfy its rules ($collection with $theirs, this with $ours)', async (each) => {
        const { collection, ours, theirs } = each;
        const scout = walk();
        const other = scout.api.backend.registry.byCollection(collection);
        for (const status of other.states) {
          const here = walk();
          const state = await here.reach(other, status, { extent: theirs });
          const given = { [collection]: state.id };
          const prepared = await here.prepareCreation(domain, { extent: ours, given });
          // The others that it names are as they should be.
          const broken = firstBroken(await here.rulesOn(state.id, domain, prepared), (at) =>
            valueAt(other, state, at),
          );
          const reply = await here.api.post(path, prepared.input, here.as(prepared));
          expect(reply.json['code'], `${status}: ${reply.text}`).toBe(broken?.code);
        }
      });

      it('gives what it has, and then no more', async () => {
        const here = walk();
        const given: Record<string, string> = {};
        for (const collection of referred) {
          const other = here.api.backend.registry.byCollection(collection);
          given[collection] ??= (await here.create(other, { extent: 'required fields' })).id;
        }
        const prepared = await here.prepareCreation(domain, { extent: 'required fields', given });
        const [body, as] = [prepared.input, here.as(prepared)];
        const floors = await floorsOf(here, Object.values(given));
        if (floors.length === 0) return;
        const before = await Promise.all(Object.values(given).map((id) => here.state(id)));
        let reply = await here.api.post(path, body, as);
        if (reply.status === 201) {
          const drawn = before.map(async (state) => fellTo(state, await here.state(state.id)));
          if ((await Promise.all(drawn)).every((fell) => !fell)) return;
        }
        for (let taken = 0; taken < 20 && reply.status === 201; taken += 1) {
          reply = await here.api.post(path, body, as);
        }
        expect(reply.status, reply.text).toBe(409);
        // A value that only one may hold keeps it from being asked for more.
        if (reply.json['code'] === 'already_exists') return;
        expect(floors).toContain(reply.json['code']);
        const after = await Promise.all(Object.values(given).map((id) => here.state(id)));
        expect(after.map(({ version }) => version)).toEqual(before.map(({ version }) => version));
      });
    });
}

const fellTo = (before: EntityState, after: EntityState): boolean =>
  Object.entries(after.balances).some(([account, balance]) => balance < (before.balances[account] ?? 0));

/** The codes of the floors under the accounts of these entities. */
async function floorsOf(here: Walk, ids: readonly string[]): Promise<readonly string[]> {
  const states: EntityState[] = await Promise.all(ids.map((id) => here.state(id)));
  return states.flatMap(({ collection }) =>
    Object.values(here.api.backend.registry.byCollection(collection).accounts ?? {}).flatMap(({ floor }) =>
      floor ? [floor.code] : [],
    ),
  );
}
