/** The deadline an entity waits for: set by the command that makes it wait, and kept as it was written. */
import type { Domain } from './definition.ts';
import type { Due, EntityState } from './entity.ts';

/** The deadline that a definition gives an entity; none where there is no time to wait for. */
export function dueBy(
  { deadline }: Domain,
  { status, attributes }: Pick<EntityState, 'status' | 'attributes'>,
): Due | undefined {
  if (!deadline?.while.includes(status)) return undefined;
  const at = deadline.at(attributes);
  // An entity that is older than the deadline may lack what it is made of.
  return Number.isFinite(at) ? { at, transition: deadline.transition, while: deadline.while } : undefined;
}

/**
 * The deadline an entity waits for after a command. A definition that has a deadline of this transition, or none was
 * written, says it anew. One that has no such deadline leaves what was written, for as long as it is waited for.
 */
export function dueAfter(
  domain: Domain,
  before: EntityState | undefined,
  after: Pick<EntityState, 'status' | 'attributes'>,
): Due | undefined {
  const written = before?.due;
  const said = dueBy(domain, after);
  if (said || !written || written.transition === domain.deadline?.transition) return said;
  return written.while.includes(after.status) ? written : undefined;
}
