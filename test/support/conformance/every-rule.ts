/** Whether every rule was seen to refuse, and where it was not: what else leads to where it does. */
import { expect, it } from 'vitest';
import { endsFrom } from '../../../functions/core/definition.ts';
import type { AnyTransition } from '../../../functions/core/definition.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { ruleHeads } from '../../../functions/core/rules.ts';
import type { Subject } from '../conformance.ts';
import { leadsTo } from '../machine.ts';
import type { Walk } from '../walk.ts';
import { NoWay, isClosedWay } from '../walk-types.ts';
import type { Prepared } from '../walk-types.ts';
import { codesOf, lookedAtIn, rulesAfterSteps } from './rules-of.ts';

/** A transition in a state in which its rules are asked. */
export interface Legal {
  readonly status: string;
  readonly name: string;
  readonly transition: AnyTransition;
}

export interface PreparedEntity {
  readonly here: Walk;
  readonly entity: EntityState;
  readonly command: Prepared;
}

interface Seen {
  readonly legal: readonly Legal[];
  readonly prepared: (status: string, name: string) => Promise<PreparedEntity>;
  /** Sends a command and holds the answer against the pure decision. */
  readonly agree: (here: Walk, entity: EntityState, name: string, prepared: Prepared) => Promise<void>;
  /** Codes with which something was refused so far. */
  readonly refusals: ReadonlySet<string>;
  /** Codes that were asked for so far. */
  readonly rules: ReadonlySet<string>;
}

/** Its test comes last: most rules have refused by then. */
export function everyRule(
  { domain, walk }: Pick<Subject, 'domain' | 'walk'>,
  { legal, prepared, agree, refusals, rules }: Seen,
): void {
  /** Brings what a transition looks at to one of its states, where it can come there, and asks it then. */
  async function agreeBeside(status: string, name: string, other: string): Promise<void> {
    const { here, entity, command } = await prepared(status, name);
    for (const looked of await here.lookedAt(entity, name, command)) {
      if (here.api.backend.registry.ofId(looked)?.states.includes(other) !== true) continue;
      try {
        await here.bring(looked, [other]);
      } catch (error) {
        if (isClosedWay(error)) continue;
        throw error;
      }
      const now = await here.state(entity.id);
      if (now.status === status)
        await agree(here, now, name, await here.prepare(now, name, {}, { asTheyAre: true }));
    }
  }

  /** What leaves a state for one from which there is a way back. */
  const roundsFrom = (status: string): readonly string[] =>
    Object.entries(domain.transitions)
      .filter(
        ([, transition]) =>
          transition.from.includes(status) &&
          endsFrom(transition, status).some((end) => end !== status && leadsTo(domain, end, [status])),
      )
      .map(([round]) => round);

  it('every rule of its transitions was seen to refuse', async ({ skip }) => {
    const unseen = (): readonly string[] => [...rules].filter((code) => !refusals.has(code));
    // Some refuse only who comes round again.
    for (const { status, name, transition } of legal) {
      for (const round of roundsFrom(status)) {
        if (!codesOf(transition).some((code) => unseen().includes(code))) break;
        const here = walk();
        let entity = await here.reach(domain, status);
        try {
          await here.force(entity.id, round);
          entity = await here.bring(entity.id, [status]);
        } catch (error) {
          if (error instanceof NoWay) continue;
          throw error;
        }
        await agree(here, entity, name, await here.prepare(entity, name));
      }
    }
    // And some refuse while another entity is elsewhere, which it had left for the creation to be let pass.
    for (const { status, name, transition } of legal) {
      if (!lookedAtIn(transition).some((code) => unseen().includes(code))) continue;
      const { here, entity, command } = await prepared(status, name);
      const looked = await here.lookedAt(entity, name, command);
      const states = looked.flatMap((id) => here.api.backend.registry.ofId(id)?.states ?? []);
      for (const other of new Set(states)) await agreeBeside(status, name, other);
    }
    for (const { status, name, transition } of legal) {
      for (const { code, refusedAfter } of rulesAfterSteps(transition)) {
        if (!unseen().includes(code)) continue;
        const here = walk();
        const { id } = await here.reach(domain, status);
        await here.takeSteps(id, refusedAfter);
        const entity = await here.bring(id, transition.from);
        await agree(here, entity, name, await here.prepare(entity, name));
      }
    }
    const lacking = unseen().map((code) => {
      const asking = legal.filter(({ transition }) => codesOf(transition).includes(code));
      const commands = [...new Set(asking.map(({ name }) => `"${name}"`))].join(', ');
      const named = asking.flatMap(({ transition }) => ruleNames(transition, code));
      const rulesOf = named.length > 0 ? ` (${[...new Set(named)].join(', ')})` : '';
      return (
        `"${code}"${rulesOf} of ${commands} never refused: it cannot, or no walk, also none that came round again, ` +
        `led to where it does, and no other number or moment that is sent; ` +
        `then say in the rule after which steps: refusedAfter: ["<transition>", "<collection>/<transition>"]`
      );
    });
    expect(lacking).toEqual([]);
    const unasked = legal.flatMap(({ transition }) => codesOf(transition)).filter((code) => !rules.has(code));
    if (unasked.length > 0)
      skip(
        `no test came to where these are asked, see the first failure: ${[...new Set(unasked)].join(', ')}`,
      );
  });
}

/** What the rules are called that refuse with a code of another name, as 422 does. */
const ruleNames = ({ rules }: AnyTransition, code: string): readonly string[] =>
  ruleHeads(rules).flatMap((head) => (head.code === code && head.name !== code ? [`"${head.name}"`] : []));
