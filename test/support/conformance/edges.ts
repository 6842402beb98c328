/**
 * Every rule on both sides of its edge. The pure decision says where an edge lies: along a number of the input,
 * along time, by who asks, by what came before. The whole backend has to agree on each side, and a refusal
 * changes nothing.
 */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Decided } from '../../../functions/core/decision.ts';
import { peopleOf } from '../../../functions/core/authorize.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { valueAt } from '../../../functions/core/entity.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { answersThatBring } from '../../../functions/core/registry.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import { isFinal } from '../../../functions/core/rejections.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import { timestamp } from '../../../functions/runtime/clock.ts';
import type { Reply } from '../backend.ts';
import type { Subject } from '../conformance.ts';
import { preludesOf, takenBy } from '../machine.ts';
import { exampleOf, fieldsOf } from '../examples.ts';
import type { Field } from '../examples.ts';
import { everyRole } from '../roles.ts';
import { countByKind, difference, dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';
import { isMoment, wordsIn } from '../walk-creations.ts';
import { intruder } from '../walk-rulings.ts';
import { NoWay, isClosedWay } from '../walk-types.ts';
import type { CreateOptions, Given, Prepared } from '../walk-types.ts';
import { flips } from './flips.ts';
import { everyRule } from './every-rule.ts';
import type { Legal, PreparedEntity } from './every-rule.ts';
import { codesOf } from './rules-of.ts';

/** How often a transition that stays in its state is taken again, by whoever may. */
const againMost = 3;

/** Longer than any deadline of a definition. */
const horizonMs = 400 * 24 * 60 * 60 * 1000;

export function edges({ domain, walk }: Subject): void {
  const refusals = new Set<string>();
  const rules = new Set<string>();

  /** Sends a command and holds the answer against the pure decision. */
  async function agree(here: Walk, entity: EntityState, name: string, prepared: Prepared, now?: number) {
    const verdict = await here.verdict(entity.id, name, prepared, now);
    const { store } = here.api.backend;
    const before = await dump(store);
    const isPublic = domain.transitions[name]?.internal !== true;
    const send = (): Promise<Reply> => (isPublic ? here.send(entity, name, prepared) : here.runDue(entity));
    const reply = await (now === undefined ? send() : here.clock.at(now, send));
    const changes = countByKind(difference(before, await dump(store)));
    if (verdict.kind === 'accepted') {
      expect(reply.status, reply.text).toBe(200);
      return;
    }
    refusals.add(verdict.rejection.code);
    expect(reply.json['code'], reply.text).toBe(verdict.rejection.code);
    // What is due is tried again, so that its refusal is kept under no key.
    expect(changes).toEqual(isPublic && isFinal(verdict.rejection) ? { record: 1 } : {});
  }

  /** A new entity in a state, with what other transitions that stay there leave behind. */
  async function prepared(
    status: string,
    name: string,
    options: CreateOptions & { preludes?: readonly string[] } = {},
  ): Promise<PreparedEntity> {
    const here = walk();
    const { id } = await here.reach(domain, status, options);
    for (const prelude of options.preludes ?? []) {
      if (answersThatBring(domain, prelude).length > 0) {
        if (await here.waiting(id, prelude)) await here.attempt(id, prelude);
        continue;
      }
      const before = await here.state(id);
      const first = await here.prepare(before, prelude);
      const verdict = await here.verdict(id, prelude, first);
      if (verdict.kind === 'rejected' || verdict.decision.entities[0].after.status !== status) continue;
      await here.send(before, prelude, first);
    }
    const entity = await here.state(id);
    return { here, entity, command: await here.prepare(entity, name) };
  }

  /** One in a state that names what is given; where that keeps it from being created, one with its own. */
  async function reachBeside(here: Walk, status: string, given: Given): Promise<EntityState> {
    try {
      return await here.reach(domain, status, { given });
    } catch (error) {
      if (!isClosedWay(error)) throw error;
      return here.reach(domain, status);
    }
  }

  const legal: readonly Legal[] = domain.states.flatMap((status) =>
    Object.entries(domain.transitions)
      .filter(([name, { from, internal }]) => {
        const isWaitedFor = domain.deadlines?.[name]?.while.includes(status) === true;
        return from.includes(status) && (internal !== true || isWaitedFor);
      })
      .map(([name, transition]) => ({ status, name, transition })),
  );

  describe.each(legal)('the rules of $name in $status', ({ status, name, transition }) => {
    const isPublic = transition.internal !== true;

    it('hold in the backend as they do in the decision', async () => {
      const alone = preludesOf(domain, status, name).map((prelude) => [prelude]);
      for (const preludes of [[], ...alone]) {
        const { here, entity, command } = await prepared(status, name, { preludes });
        for (const code of codesOf(transition)) rules.add(code);
        const judge = await here.judge(entity.id, name, command);
        // A rule may ask who sends it: nobody that the entity knows, or somebody whom it names.
        for (const actor of isPublic ? [intruder, ...wordsIn([entity])] : []) {
          const other = judge({ ...command, actor });
          if (other.kind === 'rejected' && answerOf(other) !== answerOf(judge(command)))
            await agree(here, entity, name, { ...command, actor });
        }
        await agree(here, entity, name, command);
        if (!isPublic || !transition.to.includes(status)) continue;
        const now = await here.state(entity.id);
        if (now.status === status) await agree(here, now, name, command);
        // What one may do once, others may as well, until it has been done often enough.
        for (let times = 0; times < againMost; times += 1) {
          const next = await here.state(entity.id);
          if (next.status !== status || codesOf(transition).every((code) => refusals.has(code))) break;
          await agree(here, next, name, await here.prepare(next, name));
        }
      }
    });

    if (isPublic && transition.authorize) {
      it('let nobody else do it', async () => {
        const { here, entity, command } = await prepared(status, name);
        const named = Object.values(transition.authorize ?? {}).flatMap((one) =>
          peopleOf(one, (path) => valueAt(domain, entity, path)),
        );
        const judge = await here.judge(entity.id, name, command);
        for (const actor of new Set([intruder, ...named]))
          if (judge({ ...command, actor }).kind === 'rejected')
            await agree(here, entity, name, { ...command, actor });
      });
    }

    const secrets = secretFields(transition.input ?? z.object({}));
    if (isPublic && transition.example?.roles) {
      it('are asked of who has every role, too', async () => {
        const { here, entity, command } = await prepared(status, name);
        await agree(here, entity, name, { ...command, roles: everyRole });
      });
    }

    if (isPublic && secrets.size > 0) {
      it('want the right secret', async () => {
        const { here, entity, command } = await prepared(status, name);
        const guessed = Object.entries(exampleOf(transition.input)).filter(([field]) => secrets.has(field));
        const wrong = { ...command, input: { ...command.input, ...Object.fromEntries(guessed) } };
        await agree(here, entity, name, wrong);
        await agree(here, entity, name, command);
      });
    }

    if (isPublic && (transition.reads ?? transition.references)) {
      it('look at what it reads, as it is', async () => {
        const { here, entity } = await prepared(status, name);
        const next = walk();
        const fresh = await next.reach(domain, status);
        await agree(next, fresh, name, await next.prepare(fresh, name, {}, { asTheyAre: true }));
        await agree(here, entity, name, await here.prepare(entity, name));
      });
    }

    const namesOwn = Object.values(exampleOf(transition.input)).some((value) =>
      String(value).startsWith(`${domain.idPrefix}_`),
    );
    if (isPublic && (namesOwn || transition.reads !== undefined || transition.links !== undefined)) {
      it('look at an entity that refers to itself', async () => {
        const { here, entity } = await prepared(status, name);
        const command = await here.prepare(entity, name, { [domain.collection]: entity.id });
        await agree(here, entity, name, command);
      });
    }

    if (isPublic && transition.links) {
      it('look at what it moves', async () => {
        const { here, entity, command } = await prepared(status, name);
        const [move] = here.linkedBy(entity, name, command);
        if (!move) return;
        const otherDomain = here.api.backend.registry.byCollection(move.collection);
        const isTaken = takenBy(domain).includes(move.collection);
        for (const otherStatus of otherDomain.states) {
          const next = walk();
          // What its creation takes along is used up, so that each has its own.
          const other = isTaken ? undefined : await next.reach(otherDomain, otherStatus);
          const given = other ? { [move.collection]: other.id } : {};
          const { id } = await reachBeside(next, status, given);
          const asItIs = async (): Promise<Prepared> =>
            next.prepare(await next.state(id), name, given, { asTheyAre: true });
          // One that it has created or taken itself is brought there, in the place of the one that it is given.
          const [own] = next.linkedBy(await next.state(id), name, await asItIs());
          try {
            if (own && own.id !== other?.id) await next.bring(own.id, [otherStatus]);
          } catch (error) {
            // While it belongs to this one, it may not come there.
            if (error instanceof NoWay) continue;
            throw error;
          }
          await agree(next, await next.state(id), name, await asItIs());
        }
      });
    }

    if (isPublic && idsIn(exampleOf(transition.input)).length > 0) {
      it('look at what it names, where that is another’s', async () => {
        for (const named of idsIn(exampleOf(transition.input))) {
          const { here, entity } = await prepared(status, name);
          const other = here.api.backend.registry.ofId(named);
          const foreign = other && (await createdByAnother(here, other));
          if (!foreign) continue;
          try {
            const command = await here.prepare(entity, name, { [other.collection]: foreign.id });
            await agree(here, entity, name, command);
          } catch (error) {
            // Another's may not come to where it could be named.
            if (!(error instanceof NoWay)) throw error;
          }
        }
      });
    }

    for (const { name: field, schema } of isPublic ? wholeNumbersOf(transition.input) : []) {
      it(`lie where they should along "${field}"`, async () => {
        const preludes = preludesOf(domain, status, name);
        const withValue = (value: number, command: Prepared): Prepared => ({
          ...command,
          input: { ...command.input, [field]: value },
        });
        const scout = await prepared(status, name, { preludes });
        const judge = await scout.here.judge(scout.entity.id, name, scout.command);
        const range = [schema.minimum ?? 0, Number(scout.command.input[field]), schema.maximum ?? 0];
        const found = flips(range, (value) => answerOf(judge(withValue(value, scout.command))));
        for (const value of new Set([...range, ...found.flat()])) {
          const { here, entity, command } = await prepared(status, name, { preludes });
          await agree(here, entity, name, withValue(value, command));
        }
      });
    }

    for (const { name: field } of isPublic ? momentsOf(transition.input) : []) {
      it(`lie where they should along "${field}"`, async () => {
        const { here, entity, command } = await prepared(status, name);
        const judge = await here.judge(entity.id, name, command);
        const at = (moment: number): Prepared => ({
          ...command,
          input: { ...command.input, [field]: timestamp(moment) },
        });
        const now = here.clock.now();
        const range = [now - horizonMs, Date.parse(String(command.input[field])), now + horizonMs];
        for (const moment of sidesOf(range, (each) => judge(at(each))))
          await agree(here, entity, name, at(moment));
      });
    }

    it('lie where they should along time', async () => {
      const { here, entity, command } = await prepared(status, name);
      const judge = await here.judge(entity.id, name, command);
      const start = here.clock.now();
      for (const now of sidesOf([start, start + horizonMs], (each) => judge(command, each)))
        await agree(here, entity, name, command, now);
    });
  });

  const loops = legal.filter(
    ({ status, transition: { internal, to } }) => internal !== true && to.includes(status),
  );
  for (const { status, name } of loops) {
    for (const { name: field, schema } of wholeNumbersOf(domain.create.input)) {
      it(`the rules of "${name}" hold when it is sent twice, with a larger "${field}" at creation`, async () => {
        const input = { [field]: Number(schema.examples?.[0]) + 1 };
        const { here, entity, command } = await prepared(status, name, { input });
        await agree(here, entity, name, command);
        await agree(here, await here.state(entity.id), name, command);
      });
    }
  }

  everyRule({ domain, walk }, { legal, prepared, agree, refusals, rules });
}

/** One of an intruder; none where not everybody may create one. */
async function createdByAnother(here: Walk, domain: Domain): Promise<EntityState | undefined> {
  const prepared = await here.prepareCreation(domain);
  const { status, json } = await here.api.post(
    `/v1/${domain.collection}`,
    prepared.input,
    here.as({ ...prepared, actor: intruder }),
  );
  return status === 201 ? here.state(String(json['id'])) : undefined;
}

const wholeNumbersOf = (schema: z.ZodObject | undefined): readonly Field[] =>
  fieldsOf(schema).filter(({ schema: { type } }) => type === 'integer');

const momentsOf = (schema: z.ZodObject | undefined): readonly Field[] =>
  fieldsOf(schema).filter(({ schema: { examples } }) => isMoment(examples?.[0]));

/** Both sides of each edge; those that are refused first, since that leaves the entity as it is for the others. */
function sidesOf(points: readonly number[], decide: (point: number) => Decided): readonly number[] {
  const sides = new Set(flips(points, (point) => answerOf(decide(point))).flat());
  const isRefused = (point: number): boolean => decide(point).kind === 'rejected';
  return [...sides].sort((a, b) => Number(isRefused(b)) - Number(isRefused(a)));
}

const answerOf = (decided: Decided): string => {
  if (decided.kind === 'incomplete') throw new Error(`${decided.ids.join(', ')} were not read`);
  return decided.kind === 'rejected' ? decided.rejection.code : decided.decision.entities[0].after.status;
};
