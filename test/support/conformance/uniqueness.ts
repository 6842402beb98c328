/** What a creation needs of others: unique values that are free, entities it refers to, places that are left. */
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../functions/core/decision.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { collectionOf } from '../../../functions/core/others.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import type { Reply } from '../backend.ts';
import type { Subject } from '../conformance.ts';
import type { Extent } from '../examples.ts';
import { countByKind, difference, dump } from '../table-dump.ts';

/** Creations that draw on the same; where there is more than they take, each has what it asked for. */
const takenMost = 20;

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
        // What was asked for then may be too late when it has come there: time stands still for who asks.
        const askedAt = here.clock.now();
        const post = (): Promise<Reply> => here.clock.at(askedAt, () => here.api.post(path, body, as));
        const created = await post();
        await here.bring(String(created.json['id']), [status]);
        const isHeld = constraints.some((unique) => unique.while.includes(status));
        const again = await post();
        expect([again.status, again.json['code']], again.text).toEqual(
          isHeld ? [409, 'already_exists'] : [201, undefined],
        );
        if (isHeld) return;
        const third = await post();
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
          const verdict = await here.creationVerdict(domain, prepared);
          const code = verdict.kind === 'rejected' ? verdict.rejection.code : undefined;
          const reply = await here.api.post(path, prepared.input, here.as(prepared));
          expect(reply.json['code'], `${status}: ${reply.text}`).toBe(code);
        }
      });

      it('gives what it has, and then no more', async () => {
        const here = walk();
        const prepared = await here.prepareCreation(domain, { extent: 'required fields' });
        const { registry } = here.api.backend;
        const ids = [...new Set(idsIn(prepared.input))].filter((id) =>
          referred.includes(registry.ofId(id)?.collection ?? ''),
        );
        const states = (): Promise<readonly EntityState[]> => Promise.all(ids.map((id) => here.state(id)));
        for (let taken = 0; taken < takenMost; taken += 1) {
          const before = await states();
          const verdict = await here.creationVerdict(domain, prepared);
          const reply = await here.api.post(path, prepared.input, here.as(prepared));
          const after = await states();
          if (reply.status !== 201) {
            expect(after, reply.text).toEqual(before);
            // What it takes along, or a value that only one may hold, may keep it from being asked for more.
            const codes = verdict.kind === 'rejected' ? [verdict.rejection.code] : floorsIn(verdict.decision);
            expect([...codes, 'already_exists']).toContain(reply.json['code']);
            return;
          }
          expect(verdict.kind).toBe('accepted');
          if (!after.some((state, index) => hasFallen(before[index], state))) return;
        }
      });
    });
}

/** The floors of named accounts: only the store knows how much is on them. */
const floorsIn = ({ balances }: Decision): readonly string[] =>
  balances.flatMap(({ rules }) => rules.map(({ code }) => code));

const hasFallen = (before: EntityState | undefined, after: EntityState): boolean =>
  Object.entries(after.balances).some(([account, balance]) => balance < (before?.balances[account] ?? 0));
