/** Accounts that lie on entities, told from named ones by what they are called. */
import { unitOf } from './account-units.ts';
import type { Registry } from './registry.ts';

const ownedForm = /^([a-z]+_[0-9A-HJKMNP-TV-Z]{26}):([A-Za-z]+)$/;

/**
 * An account that lies on an entity's own item, whether the definition knows it or only another version of it does;
 * `undefined` where it is a named one.
 */
export function ownedAccount(
  registry: Registry,
  account: string,
): { readonly id: string; readonly key: string; readonly unit?: string | undefined } | undefined {
  const [, id = '', key = ''] = ownedForm.exec(account) ?? [];
  const domain = registry.ofId(id);
  const { accounts = {} } = domain ?? {};
  const definition = Object.hasOwn(accounts, key) ? accounts[key] : undefined;
  // What an attribute says stands with the entity alone.
  return domain && { id, key, unit: definition && unitOf(definition, {}) };
}
