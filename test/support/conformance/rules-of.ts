import { authorizationRules } from '../../../functions/core/authorize.ts';
import type { AnyTransition } from '../../../functions/core/definition.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { everyRole } from '../roles.ts';
import type { Prepared } from '../walk-types.ts';

/** The codes a transition may refuse with by its own rules, as its definition lists them for this entity. */
export function rulesOf(
  transition: AnyTransition,
  entity: EntityState,
  { input, actor }: Prepared,
): string[] {
  const situation = {
    id: entity.id,
    input: transition.input?.parse(input) ?? {},
    actor,
    roles: everyRole,
    now: Date.parse(entity.updatedAt),
    others: [],
    entity: { ...entity.attributes, ...entity.balances, status: entity.status },
  };
  const rules = [
    ...authorizationRules(transition.authorize, actor),
    ...(transition.rules?.(situation) ?? []),
  ];
  return rules.map(({ code }) => code);
}
