/**
 * How an entity of an older version of its definition becomes one of today's: applied where it is read, and written with
 * its next command, or by a command of its own.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyTransition, Domain } from './definition.ts';
import type { Attributes, EntityState } from './entity.ts';
import { statesOf, versionOf } from './registry.ts';
import type { Rule } from './rules.ts';

/** The command by which the backend itself upgrades an entity, as its ledger shows it. */
export const upgradeCommand = 'upgrade';

/** The steps from the version that wrote an entity to today's. */
export const isOlder = (domain: Domain, { definition = 1 }: Pick<EntityState, 'definition'>): boolean =>
  definition < versionOf(domain);

/** An entity as today's definition has it. One that no upgrade is about is the same. */
export function upgraded(domain: Domain, entity: EntityState): EntityState {
  if (entity.older || !isOlder(domain, entity)) return entity;
  let { attributes, status } = entity;
  for (let version = entity.definition ?? 1; version < versionOf(domain); version += 1) {
    const become = domain.upgrades?.[version];
    if (!become) continue;
    const next = become({ ...attributes, status });
    attributes = Object.fromEntries(
      Object.entries(next).filter(([name, value]) => name !== 'status' && value !== undefined),
    );
    status = (next as { readonly status?: string }).status ?? status;
  }
  const { attributes: stored, status: was } = entity;
  return { ...entity, attributes, status, older: { attributes: stored, status: was } };
}

/** What an upgrade changes of the attributes; `undefined` where it takes one away. */
export function upgradeSet(stored: Attributes, upgrade: Attributes): Attributes {
  const names = new Set([...Object.keys(stored), ...Object.keys(upgrade)]);
  return Object.fromEntries(
    [...names]
      .filter((name) => !isDeepStrictEqual(stored[name], upgrade[name]))
      .map((name) => [name, upgrade[name]]),
  );
}

/**
 * Rules that the database can check on the item as it is stored. What an upgrade changes is not there yet; the condition on
 * the version keeps what was read of it.
 */
export const onStored = (rules: readonly Rule[], changed: Attributes, isMoved: boolean): readonly Rule[] =>
  rules.filter(
    ({ test }) =>
      test.op === 'fact' || !(Object.hasOwn(changed, test.path) || (isMoved && test.path === 'status')),
  );

/** What the command of an upgrade may do: from any state to any. */
export const upgradeTransition = (domain: Domain): AnyTransition => ({
  summary: 'Become what the newest version of the definition says',
  internal: true,
  from: statesOf(domain),
  to: statesOf(domain),
  next: ({ entity }) => (entity as { readonly status: string }).status,
});
