/** The linked transitions of a command, as its definition names them. */
import type { Command } from '../../functions/core/command.ts';
import { contextOf } from '../../functions/core/context.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { collectionOf } from '../../functions/core/others.ts';

export interface LinkedTransition {
  readonly collection: string;
  readonly id: string;
  readonly transition: string;
  readonly input: unknown;
}

/** @param find states of other entities that names may come from */
export function linkedBy(
  command: Command,
  entity: EntityState | undefined,
  find: (id: string) => EntityState | undefined = () => undefined,
): readonly LinkedTransition[] {
  const { domain, name } = command;
  const { links = {} } = (name === 'create' ? domain.create : domain.transitions[name]) ?? {};
  const context = contextOf(command, entity, { has: () => true, get: find } as never);
  return Object.values(links).flatMap((link) => {
    const ids = link.id(context) ?? [];
    return (typeof ids === 'string' ? [ids] : ids).map((id) => ({
      collection: collectionOf(domain, link),
      id,
      transition: link.transition,
      input: link.input?.(context) ?? {},
    }));
  });
}
