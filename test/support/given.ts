/** given / when / then on the pure decision: what an entity went through, a command, and what comes of it. */
import { decideAmong } from '../../functions/core/decide.ts';
import type { Command } from '../../functions/core/command.ts';
import type { Decided, Decision } from '../../functions/core/decision.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { Rejection } from '../../functions/core/rejections.ts';
import type { Registry } from '../../functions/core/registry.ts';
import { everyRole } from './roles.ts';

type Input = Readonly<Record<string, unknown>>;

export interface Step {
  readonly input?: Input;
  readonly actor?: string;
  /** Every role unless told; `null` where the backend itself acts. */
  readonly roles?: readonly string[] | null;
  /** Milliseconds after the creation. */
  readonly later?: number;
  readonly ifMatch?: number;
  readonly lockToken?: string;
}

export const startedAt = Date.UTC(2026, 0, 1, 12);

export interface Outcome {
  readonly decision: () => Decision;
  readonly refused: () => Rejection;
  readonly code: () => string;
}

export interface Given {
  readonly entity: EntityState;
  /** The same with something about it changed, e.g. a lock. */
  readonly but: (change: Partial<EntityState>) => Given;
  /** Has taken a transition. */
  readonly and: (name: string, step?: Step) => Given;
  readonly when: (name: string, step?: Step, others?: readonly (EntityState | undefined)[]) => Outcome;
}

export function outcomeOf(decided: Decided): Outcome {
  const decision = (): Decision => {
    if (decided.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(decided)}`);
    return decided.decision;
  };
  const refused = (): Rejection => {
    if (decided.kind !== 'rejected') throw new Error(decided.kind);
    return decided.rejection;
  };
  return { decision, refused, code: () => (decided.kind === 'accepted' ? 'accepted' : refused().code) };
}

export function creating(registry: Registry, domain: Domain, input: Input, step: Step = {}): Outcome {
  return outcomeOf(decideAmong(registry, commandOf(domain, 'create', { ...step, input }), () => undefined));
}

/** An entity that was created so. */
export function given(registry: Registry, domain: Domain, input: Input, step: Step = {}): Given {
  const from = (entity: EntityState): Given => {
    const when: Given['when'] = (name, next = {}, others = []) => {
      const command = commandOf(domain, name, next);
      const all = [...others.filter((other) => other !== undefined), entity];
      const find = (id: string): EntityState | undefined => all.find((state) => state.id === id);
      return outcomeOf(decideAmong(registry, { ...command, id: entity.id }, find));
    };
    return {
      entity,
      but: (change) => from({ ...entity, ...change }),
      and: (name, next) => from(when(name, next).decision().entities[0].after),
      when,
    };
  };
  return from(creating(registry, domain, input, step).decision().entities[0].after);
}

function commandOf(domain: Domain, name: string, step: Step): Command {
  const schema = name === 'create' ? domain.create.input : domain.transitions[name]?.input;
  const { input = {}, actor = 'alice', roles = everyRole, later = 0, ifMatch, lockToken } = step;
  return {
    tenant: 'acme',
    domain,
    name,
    id: `${domain.idPrefix}_01JD2X5T9ZK4M8Q7W6V5B3N2HC`,
    input: schema?.parse(input) ?? {},
    actor,
    ...(roles && { roles }),
    now: startedAt + later,
    random: 'MDEyMzQ1Njc4OWFiY2RlZg',
    seed: 'ZmVkY2JhOTg3NjU0MzIxMA',
    ...(ifMatch !== undefined && { ifMatch }),
    ...(lockToken !== undefined && { lockToken }),
  };
}
