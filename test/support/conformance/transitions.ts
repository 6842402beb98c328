/** Every state x transition pair: a legal one does exactly what the definition says, an illegal one nothing. */
import { describe, expect, it } from 'vitest';
import { answerPlacesOf } from '../../../functions/core/answer-gaps.ts';
import type { AnswerPlace } from '../../../functions/core/answer-gaps.ts';
import { forbiddenTo } from '../../../functions/core/authorize.ts';
import type { Command } from '../../../functions/core/command.ts';
import { contextOf } from '../../../functions/core/context.ts';
import type { Known } from '../../../functions/core/context.ts';
import { endsFrom, startsOf } from '../../../functions/core/definition.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { valueAt } from '../../../functions/core/entity.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { draftsOf } from '../../../functions/core/messages.ts';
import type { MessageDraft } from '../../../functions/core/messages.ts';
import { itemsAtMost } from '../../../functions/core/bounds.ts';
import { allowedTransitions, answersThatBring } from '../../../functions/core/registry.ts';
import { entityState } from '../../../functions/store/entities/items.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { Reply } from '../backend.ts';
import type { Subject } from '../conformance.ts';
import { everyRole } from '../roles.ts';
import { countByKind, difference, dump, kindOf } from '../table-dump.ts';
import type { Dump, ItemChange } from '../table-dump.ts';
import { NoWay, isClosedWay } from '../walk-types.ts';
import type { Walk } from '../walk.ts';
import type { Observation } from '../walk-types.ts';

export function transitions({ domain, walk }: Subject): void {
  const names = Object.keys(domain.transitions);
  const path = `/v1/${domain.collection}`;
  const isInternal = (name: string): boolean => domain.transitions[name]?.internal === true;
  const isAnswer = (name: string): boolean => answersThatBring(domain, name).length > 0;

  it('is created in its first state, with what its definition says and nothing else', async () => {
    const here = walk();
    const prepared = await here.prepareCreation(domain);
    const { input: body, actor, roles = everyRole } = prepared;
    const before = await dump(here.api.backend.store);
    const reply = await here.api.post(path, body, here.as(prepared));
    const changes = difference(before, await dump(here.api.backend.store));
    if (reply.status !== 201) throw here.refusal(domain, reply);
    const status = String(reply.json['status']);
    expect(startsOf(domain)).toContain(status);
    expect(reply.json).toMatchObject({
      type: domain.type,
      version: 1,
      allowedTransitions: allowedTransitions(domain, status),
    });
    expect(reply.headers).toMatchObject({
      location: `${path}/${String(reply.json['id'])}`,
      etag: '"1"',
    });
    expectOneEntryEach(changes);
    const entity = await here.state(String(reply.json['id']));
    const command = { tenant: '', domain, name: 'create', id: entity.id, input: body };
    const caller = { actor, roles, now: here.clock.now(), random: 'x', seed: 'x' };
    const context = contextOf({ ...command, ...caller }, undefined, known(before));
    const after = { ...entity.attributes, status: entity.status };
    expectMessages(
      changes,
      entity,
      draftsOf(domain.create.messages, Object.assign(context, { after })),
      'form',
    );
  });

  describe.each(names.length === 0 ? [] : domain.states)('in "%s"', (status) => {
    const legal = names.filter((name) => domain.transitions[name]?.from.includes(status));
    const illegal = names.filter((name) => !legal.includes(name) && !isInternal(name));
    const internal = names.filter(isInternal);

    it.each(legal.filter((name) => !isAnswer(name)))(
      '"%s" does what its definition says and nothing else',
      async (name) => {
        const here = walk();
        const entity = await here.reach(domain, status);
        try {
          await expectTransition(here, entity, name);
        } catch (error) {
          if (!isClosedWay(error) || !(await tookAnotherWay(status, name))) throw error;
        }
      },
    );

    if (illegal.length > 0) {
      it(`refuses ${illegal.join(', ')} and changes nothing`, async () => {
        const here = walk();
        const entity = await here.reach(domain, status);
        for (const name of illegal) {
          const prepared = await here.prepare(entity, name);
          const before = await dump(here.api.backend.store);
          const reply = await here.send(entity, name, prepared);
          // Who may not is told nothing of the state; where the entity names nobody yet, that is everybody.
          const broken = forbiddenTo(prepared.actor, domain.transitions[name]?.authorize, (at) =>
            valueAt(domain, entity, at),
          );
          if (broken) {
            expect(reply.json, name).toMatchObject({ status: 403, code: broken.code });
            expect(difference(before, await dump(here.api.backend.store)), name).toEqual([]);
            continue;
          }
          expect(reply.json, name).toMatchObject({
            status: 409,
            code: 'transition_not_allowed',
            entityStatus: status,
            allowedTransitions: allowedTransitions(domain, status),
          });
          // The refusal itself is kept under its key; nothing else is.
          const counts = countByKind(difference(before, await dump(here.api.backend.store)));
          expect(counts, name).toEqual({ record: 1 });
        }
      });
    }

    if (internal.length > 0) {
      it(`has no route for ${internal.join(', ')}`, async () => {
        const here = walk();
        const { id } = await here.reach(domain, status);
        const before = await dump(here.api.backend.store);
        for (const name of internal) {
          const reply = await here.api.post(`${path}/${id}/${name}`, {}, { tenant: here.tenant });
          expect(reply.status, name).toBe(404);
        }
        expect(difference(before, await dump(here.api.backend.store))).toEqual([]);
      });
    }
  });

  /** Who has come to a state the shortest way may lack what moves it on from there: whether another has not. */
  async function tookAnotherWay(status: string, name: string): Promise<boolean> {
    for (const [entering, transition] of Object.entries(domain.transitions)) {
      for (const before of transition.from) {
        if (before === status || !endsFrom(transition, before).includes(status)) continue;
        try {
          const here = walk();
          // Not by `reach`, which would tell the other tests that a way is closed, and here nobody hears why.
          const { id } = await here.create(domain, await here.beginning(domain, before));
          await here.bring(id, [before]);
          await here.readyMover(id, name);
          await here.force(id, entering);
          await expectTransition(here, await here.bring(id, [status]), name);
          return true;
        } catch (error) {
          if (!isClosedWay(error)) throw error;
        }
      }
    }
    return false;
  }

  /** A transition of the entity, or of what takes it along. */
  async function expectTransition(here: Walk, entity: EntityState, name: string): Promise<void> {
    const seen = await here.watching(() => here.force(entity.id, name));
    const { before, after, reply } = seen;
    const changes = difference(before, after);
    const sentBy = here.api.backend.registry.byCollection(seen.entity.collection);
    const command = seen.name === 'create' ? sentBy.create : sentBy.transitions[seen.name];
    expectOneEntryEach(changes, answersThatBring(sentBy, seen.name).length > 0);
    expect(changes.length).toBeLessThanOrEqual(command ? itemsAtMost(sentBy, command) : 0);
    const own = changes.find(({ kind, after: item }) => kind === 'entity' && item?.['id'] === entity.id);
    const told = `"${seen.name}" of ${seen.entity.id} was taken, and brought no "${name}" of ${entity.id} about`;
    expect(own?.after, told).toBeDefined();
    expect(own?.after?.['version']).toBe((own?.before?.['version'] as number) + 1);
    expect(here.definition(entity, name).transition.to).toContain(own?.after?.['status']);
    const became = await here.state(entity.id);
    // The ids of what it creates are drawn, so that of messages that may hold them only the form is known.
    const detail = command?.creates ? 'form' : 'whole';
    if (seen.name === name) expectMessages(changes, became, expectedOf(domain, seen, became), detail);
    await expectTold(here, seen.entity, reply);
  }

  describe.each(placesOf(domain))('$title', ({ places, isIgnored }) => {
    it(isIgnored ? 'changes nothing there' : 'does there what its definition says', async () => {
      const here = walk();
      const came = await firstOpen(here, places);
      // The machine alone would let it come to a state that ignores it, where a rule may keep it from that.
      if (!('entity' in came)) expect(isIgnored, came.closed.join('\n')).toBe(true);
      else if (isIgnored) await expectIgnored(here, came.entity, came.transition);
      else await expectTransition(here, came.entity, came.transition);
    });
  });

  /** An entity that has come to one of these places, and what the answer brings about; or why none is come to. */
  async function firstOpen(
    here: Walk,
    places: readonly AnswerPlace[],
  ): Promise<
    { readonly entity: EntityState; readonly transition: string } | { readonly closed: readonly string[] }
  > {
    const closed: string[] = [];
    for (const place of places) {
      try {
        return { entity: await here.awaiting(domain, place), transition: place.transition };
      } catch (error) {
        if (!(error instanceof NoWay)) throw error;
        closed.push(error.message);
      }
    }
    return { closed };
  }

  /** The message ends, and its entity stays as it is. */
  async function expectIgnored(here: Walk, entity: EntityState, name: string): Promise<void> {
    const { before, after, reply } = await here.watching(() => here.force(entity.id, name));
    const changes = difference(before, after);
    expect(countByKind(changes)).toEqual({ message: 1 });
    expectEnd(changes);
    expect(await here.state(entity.id)).toEqual(entity);
    await expectTold(here, entity, reply);
  }
}

/** What the caller is told is what a read tells. */
async function expectTold(here: Walk, { id, collection }: EntityState, reply: Reply): Promise<void> {
  const read = await here.api.get(`/v1/${collection}/${id}`, { tenant: here.tenant });
  expect(read.json).toEqual(reply.json);
  expect(read.headers['etag']).toBe(`"${(await here.state(id)).version}"`);
}

interface Places {
  readonly title: string;
  readonly isIgnored: boolean;
  /** The ways there; one that can be gone will do. */
  readonly places: readonly AnswerPlace[];
}

/** Each answer to each message, in each state in which it may come. */
function placesOf(domain: Domain): readonly Places[] {
  const byTitle = new Map<string, AnswerPlace[]>();
  for (const place of answerPlacesOf(domain)) {
    const { message, sentBy, answer, transition, state } = place;
    const title = `the answer "${answer}" to "${message.type}" of "${sentBy}", "${transition}" in "${state}",`;
    byTitle.set(title, [...(byTitle.get(title) ?? []), place]);
  }
  return [...byTitle].map(([title, places]) => {
    const isIgnored = places.some(
      ({ transition, state }) => domain.transitions[transition]?.ignoredIn?.includes(state) === true,
    );
    return { title, isIgnored, places };
  });
}

/** What an answer ends: one message, for good. */
function expectEnd(changes: readonly ItemChange[]): void {
  const ended = changes.filter(({ kind, before }) => kind === 'message' && before !== undefined);
  expect(ended.map(({ before }) => before?.['status'])).not.toContain('done');
  expect(ended).toHaveLength(1);
  expect(['done', 'dead']).toContain(ended[0]?.after?.['status']);
}

/** Each moved entity has one entry more and one version more; another one changes in its balances alone. */
function expectOneEntryEach(changes: readonly ItemChange[], isOfAnswer = false): void {
  const entities = changes.filter(({ kind }) => kind === 'entity');
  const moved = entities.filter(({ before, after }) => before?.['version'] !== after?.['version']);
  for (const { before, after } of moved) {
    expect(after?.['version']).toBe(((before?.['version'] as number | undefined) ?? 0) + 1);
    const entries = changes.filter(
      ({ kind, after: entry }) => kind === 'entry' && entry?.['pk'] === after?.['pk'],
    );
    expect(entries.map(({ after: entry }) => entry?.['seq'])).toEqual([after?.['version']]);
  }
  for (const { before, after } of entities.filter((change) => !moved.includes(change))) {
    expect({ ...after, balances: undefined }).toEqual({ ...before, balances: undefined });
  }
  const added = changes.filter(({ before }) => before === undefined);
  const counts = countByKind(changes);
  expect(counts.entry).toBe(moved.length);
  expect(countByKind(added)).toMatchObject({ entry: moved.length, ...(!isOfAnswer && { record: 1 }) });
  // An answer takes no key: in its place its message ends.
  expect(counts.record).toBe(isOfAnswer ? undefined : 1);
  if (isOfAnswer) expectEnd(changes);
  else expect(countByKind(changes.filter(({ before }) => before !== undefined)).message).toBeUndefined();
}

/** The states of a dump. */
const known = (dumped: Dump): Known =>
  new Map(
    [...dumped]
      .filter(([key]) => kindOf(key) === 'entity')
      .map(([, item]) => [String(item['id']), entityState(item as unknown as EntityItem)]),
  );

/** The messages of an observed command, drafted again from the definition. */
function expectedOf(domain: Domain, { entity, name, prepared, before }: Observation, became: EntityState) {
  const transition = domain.transitions[name];
  const command: Command = {
    ...{
      tenant: '',
      domain,
      name,
      id: entity.id,
      actor: prepared.actor,
      roles: prepared.roles ?? everyRole,
      random: '',
      seed: '',
    },
    input: transition?.input?.safeParse(prepared.input).data ?? {},
    now: Date.parse(became.updatedAt),
  };
  const after = { ...became.attributes, status: became.status };
  return draftsOf(transition?.messages, Object.assign(contextOf(command, entity, known(before)), { after }));
}

/** @param detail a creation's messages may hold its random code, so only their form is known */
function expectMessages(
  changes: readonly ItemChange[],
  { id, version }: EntityState,
  drafts: readonly MessageDraft[],
  detail: 'whole' | 'form' = 'whole',
): void {
  const messages = changes
    .filter(({ kind, before, after }) => {
      return kind === 'message' && before === undefined && after?.['entity'] === id;
    })
    .map(({ after }) => after as unknown as MessageItem)
    .sort((a, b) => (a.sk < b.sk ? -1 : 1));
  const isWhole = detail === 'whole';
  expect(
    messages.map(({ topic, type, seq, status, run, attempts, payload }) => ({
      ...{ topic, type, seq, status, run, attempts },
      ...(isWhole && { payload: JSON.parse(payload ?? 'null') as unknown }),
    })),
  ).toEqual(
    drafts.map(({ topic, type, payload }) => ({
      ...{ topic, type, seq: version, status: 'pending', run: 1, attempts: 0 },
      ...(isWhole && { payload: JSON.parse(JSON.stringify(payload)) as unknown }),
    })),
  );
}
