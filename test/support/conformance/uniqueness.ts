/** What a creation needs of others: unique values that are free, entities it refers to, places that are left. */
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../../functions/core/decision.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { collectionOf } from '../../../functions/core/others.ts';
import { holdsBy } from '../../../functions/core/unique-holds.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import type { Reply } from '../backend.ts';
import type { Subject } from '../conformance.ts';
import type { Extent } from '../examples.ts';
import { takenBy } from '../machine.ts';
import { countByKind, difference, dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';
import { byCollection } from '../walk-inputs.ts';
import type { CreateOptions, Prepared } from '../walk-types.ts';

/** Creations that draw on the same; where there is more than they take, each has what it asked for. */
const takenMost = 20;

/** A creation that was sent. */
interface Posted {
  /** What the decision refused it with at that moment. */
  readonly before: string | undefined;
  readonly reply: Reply;
}

const extents: readonly Extent[] = ['every field', 'required fields'];

export function uniqueness({ domain, walk }: Subject): void {
  const constraints = domain.unique ?? [];
  const path = `/v1/${domain.collection}`;

  /** The unique values that a creation would take; none where the decision refuses it. */
  const heldBy = async (here: Walk, prepared: Prepared): Promise<string | undefined> => {
    const verdict = await here.creationVerdict(domain, prepared);
    return verdict.kind === 'accepted'
      ? JSON.stringify(holdsBy(domain, verdict.decision.entities[0].after))
      : undefined;
  };

  /**
   * Creations of what has the same unique values. What one of them takes along is used up, so that each has its own,
   * unless that is what is unique.
   */
  async function alike(here: Walk, length: number, options: CreateOptions = {}): Promise<Prepared[]> {
    const first = await here.prepareCreation(domain, options);
    const { registry } = here.api.backend;
    const taken = takenBy(domain);
    const shared = idsIn(first.input).filter((id) => !taken.includes(registry.ofId(id)?.collection ?? ''));
    const given = { ...byCollection(registry, shared), ...options.given };
    const creations = Array.from({ length }, () => first);
    if (taken.length === 0) return creations;
    const held = await heldBy(here, first);
    for (let n = 1; n < length; n += 1) {
      const other = await here.prepareCreation(domain, { ...options, given });
      if ((await heldBy(here, other)) === held) creations[n] = other;
    }
    return creations;
  }

  /** What the decision refuses it with, before the store is asked. */
  async function refusedBefore(here: Walk, prepared: Prepared): Promise<string | undefined> {
    const verdict = await here.creationVerdict(domain, prepared);
    return verdict.kind === 'rejected' ? verdict.rejection.code : undefined;
  }

  /** Where two reasons hold, either is true. @param isHeld whether another one has the value */
  function expectRefusal({ before, reply }: Posted, isHeld: boolean): void {
    const codes = [before, isHeld ? 'already_exists' : undefined].filter((code) => code !== undefined);
    expect(codes.length === 0 ? [undefined] : codes, reply.text).toContain(reply.json['code']);
    if (codes.length === 0) expect(reply.status, reply.text).toBe(201);
    if (before === undefined && isHeld) expect(reply.status, reply.text).toBe(409);
  }

  if (constraints.length > 0)
    describe('its unique values', () => {
      it('are held by one entity, of many created at once', async () => {
        const here = walk();
        const creations = await alike(here, 8);
        const replies = await Promise.all(
          creations.map((each) => here.api.post(path, each.input, here.as(each))),
        );
        expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
        const names = constraints.map(({ name }) => name);
        for (const [index, { status, json, text }] of replies.entries()) {
          if (status === 201) continue;
          const before = await refusedBefore(here, creations[index] as Prepared);
          expect(status, text).toBe(409);
          expect(['already_exists', before]).toContain(json['code']);
          if (json['code'] === 'already_exists') expect(names).toContain(json['constraint']);
        }
      });

      it('are another tenant’s to take as well', async () => {
        const [one, other] = [walk(), walk()];
        const replies = await Promise.all([one.create(domain), other.create(domain)]);
        expect(replies).toHaveLength(2);
      });

      it.each(domain.states)('are free again in "%s", or kept, as the definition says', async (status) => {
        const here = walk();
        const creations = await alike(here, 3, await here.beginning(domain, status));
        // What was asked for then may be too late when it has come there: time stands still for who asks.
        const askedAt = here.clock.now();
        const post = async (): Promise<Posted> => {
          const next = creations.shift() as Prepared;
          return here.clock.at(askedAt, async () => ({
            before: await refusedBefore(here, next),
            reply: await here.api.post(path, next.input, here.as(next)),
          }));
        };
        const created = await post();
        await here.bring(String(created.reply.json['id']), [status]);
        const isHeld = constraints.some((unique) => unique.while.includes(status));
        const again = await post();
        expectRefusal(again, isHeld);
        if (again.reply.status !== 201) return;
        expectRefusal(await post(), true);
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
          const code = await refusedBefore(here, prepared);
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
