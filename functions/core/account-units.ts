/** In what an account is kept: the same on all entities, or what an attribute of each entity says. */
import type { AccountDefinition, Domain } from './domain.ts';
import type { Attributes } from './entity.ts';

/** The attribute that says it; none where it is the same on all entities. */
export const unitAttribute = ({ unit }: Pick<AccountDefinition, 'unit'>): string | undefined =>
  typeof unit === 'string' ? undefined : unit.from;

/** @returns `undefined` where the entity lacks the attribute */
export function unitOf(
  { unit }: Pick<AccountDefinition, 'unit'>,
  attributes: Attributes,
): string | undefined {
  if (typeof unit === 'string') return unit;
  const said = attributes[unit.from];
  return typeof said === 'string' ? said : undefined;
}

/** The units of all accounts of an entity. */
export const unitsOf = (
  { accounts = {} }: Domain,
  attributes: Attributes,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(accounts).flatMap(([key, account]) => {
      const unit = unitOf(account, attributes);
      return unit === undefined ? [] : [[key, unit]];
    }),
  );
