/** What a definition would make of an entity that an older one wrote: what it lacks, holds too much of, or waits for. Pure. */
import { unitOf } from '../../../functions/core/account-units.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { schemasOf } from '../../../functions/core/domain.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { statesOf } from '../../../functions/core/registry.ts';
import { upgraded } from '../../../functions/core/upgrade.ts';

/** @returns why it is stranded, each in words that are the same for all that are so for one reason; nothing where it is well */
export function reasonsOf(domain: Domain, stored: EntityState): readonly string[] {
  let entity: EntityState;
  try {
    entity = upgraded(domain, stored);
  } catch (error) {
    return [`its upgrade fails: ${error instanceof Error ? error.message : String(error)}`];
  }
  return [...ofState(domain, entity), ...ofAttributes(domain, entity), ...ofAccounts(domain, entity)];
}

function* ofState(domain: Domain, { status, due }: EntityState): Iterable<string> {
  if (!statesOf(domain).includes(status)) yield `is in "${status}", a state that is gone`;
  if (due && !Object.hasOwn(domain.transitions, due.transition))
    yield `waits for "${due.transition}", a transition that is gone`;
}

function* ofAttributes(domain: Domain, { status, attributes }: EntityState): Iterable<string> {
  const schemas = schemasOf(domain);
  for (const [name, schema] of Object.entries(schemas)) {
    if (schema.safeParse(attributes[name]).success) continue;
    yield attributes[name] === undefined
      ? `lacks "${name}"`
      : `has a "${name}" that its schema does not take`;
  }
  for (const name of Object.keys(attributes))
    if (!Object.hasOwn(schemas, name)) yield `keeps "${name}", an attribute that is gone`;
  for (const [name, states] of Object.entries(domain.always ?? {}))
    if (states.includes(status) && attributes[name] === undefined)
      yield `lacks "${name}", which is always there in "${status}"`;
}

function* ofAccounts({ accounts = {} }: Domain, entity: EntityState): Iterable<string> {
  for (const [key, balance] of Object.entries(entity.balances)) {
    const account = accounts[key];
    if (!account) {
      if (balance !== 0) yield `holds "${key}", an account that is gone`;
      continue;
    }
    if (account.floor && balance < account.floor.minimum)
      yield `holds less of "${key}" than its floor, ${account.floor.minimum}`;
    const [kept, unit] = [entity.units[key], unitOf(account, entity.attributes)];
    if (kept !== undefined && unit !== undefined && kept !== unit)
      yield `keeps "${key}" in ${kept}, not in ${unit}`;
  }
}
