/** Every state x transition pair: a legal one does exactly what the definition says, an illegal one nothing. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../functions/core/command.ts';
import { contextOf } from '../../../functions/core/context.ts';
import type { Known } from '../../../functions/core/context.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { draftsOf } from '../../../functions/core/messages.ts';
import type { MessageDraft } from '../../../functions/core/messages.ts';
import { itemsAtMost } from '../../../functions/core/bounds.ts';
import { allowedTransitions, answersThatBring } from '../../../functions/core/registry.ts';
import { entityState } from '../../../functions/store/entities/items.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { Subject } from '../conformance.ts';
import { everyRole } from '../roles.ts';
import { countByKind, difference, dump, kindOf } from '../table-dump.ts';
import type { Dump, ItemChange } from '../table-dump.ts';
import type { Observation } from '../walk-types.ts';

export function transitions({ domain, walk }: Subject): void {
  const names = Object.keys(domain.transitions);

  it('is created in its first state, with what its definition says and nothing else', async () => {
    const here = walk();
    const body = await here.createInput(domain);
    const before = await dump(here.api.backend.store);
    const reply = await here.api.post(`/v1/${domain.collection}`, body, { tenant: here.tenant });
    const changes = difference(before, await dump(here.api.backend.store));
    expect(reply.status, reply.text).toBe(201);
    expect(reply.json).toMatchObject({
      type: domain.type,
      status: domain.initial,
      version: 1,
      allowedTransitions: allowedTransitions(domain, domain.initial),
    });
    expect(reply.headers).toMatchObject({
      location: `/v1/${domain.collection}/${String(reply.json['id'])}`,
      etag: '"1"',
    });
    expectOneEntryEach(changes);
    const entity = await here.state(String(reply.json['id']));
    const command = { tenant: '', domain, name: 'create', id: entity.id, input: body };
    const caller = { actor: 'alice', roles: everyRole, now: here.clock.now(), random: 'x' };
    const context = contextOf({ ...command, ...caller }, undefined, known(before));
    const after = { ...entity.attributes, status: entity.status };
    expectMessages(
      changes,
      entity,
      draftsOf(domain.create.messages, Object.assign(context, { after })),
      'form',
    );
  });

  describe.each(domain.states)('in "%s"', (status) => {
    const legal = names.filter((name) => domain.transitions[name]?.from.includes(status));
    const illegal = names.filter((name) => !legal.includes(name));

    it.each(legal)('"%s" does what its definition says and nothing else', async (name) => {
      const here = walk();
      const entity = await here.reach(domain, status);
      const seen = await here.watching(() => here.force(entity.id, name));
      const { before, after, reply } = seen;
      expect(reply.status, reply.text).toBe(200);
      const changes = difference(before, after);
      expectOneEntryEach(changes, isAnswer(here.definition(seen.entity, seen.name).domain, seen.name));
      const { transition } = here.definition(entity, name);
      const sent = here.definition(seen.entity, seen.name);
      expect(changes.length).toBeLessThanOrEqual(itemsAtMost(sent.domain, sent.transition));
      const own = changes.find(({ kind, after: item }) => kind === 'entity' && item?.['id'] === entity.id);
      expect(own?.after?.['version']).toBe((own?.before?.['version'] as number) + 1);
      expect(transition.to).toContain(own?.after?.['status']);
      const became = await here.state(entity.id);
      if (seen.name === name) expectMessages(changes, became, expectedOf(domain, seen, became));
      // What the caller is told is what a read tells.
      const asTold = await here.state(seen.entity.id);
      const path = `/v1/${asTold.collection}/${asTold.id}`;
      const read = await here.api.get(path, { tenant: here.tenant });
      expect(read.json).toEqual(reply.json);
      expect(read.headers['etag']).toBe(`"${asTold.version}"`);
    });

    if (illegal.length > 0) {
      it(`refuses ${illegal.join(', ')} and changes nothing`, async () => {
        const here = walk();
        const entity = await here.reach(domain, status);
        for (const name of illegal) {
          const prepared = await here.prepare(entity, name);
          const before = await dump(here.api.backend.store);
          const isPublic = domain.transitions[name]?.internal !== true;
          const reply = isPublic
            ? await here.send(entity, name, prepared)
            : await here.api.post(`/v1/${domain.collection}/${entity.id}/${name}`, prepared.input, {
                tenant: here.tenant,
              });
          const counts = countByKind(difference(before, await dump(here.api.backend.store)));
          if (!isPublic) {
            expect([reply.status, counts], name).toEqual([404, {}]);
            continue;
          }
          expect(reply.json, name).toMatchObject({
            status: 409,
            code: 'transition_not_allowed',
            entityStatus: status,
            allowedTransitions: allowedTransitions(domain, status),
          });
          // The refusal itself is kept under its key; nothing else is.
          expect(counts, name).toEqual({ record: 1 });
        }
      });
    }
  });
}

const isAnswer = (domain: Domain, name: string): boolean => answersThatBring(domain, name).length > 0;

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
  expect(countByKind(changes.filter(({ before }) => before !== undefined)).message).toBe(
    isOfAnswer ? 1 : undefined,
  );
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
    ...{ tenant: '', domain, name, id: entity.id, actor: prepared.actor, roles: everyRole, random: '' },
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
    .filter(({ kind, after }) => kind === 'message' && after?.['entity'] === id)
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
