/** What a definition writes is checked against what it said of itself, so that nothing wrong is ever stored. */
import type { z } from 'zod';
import { unitAttribute } from './account-units.ts';
import { schemasOf } from './domain.ts';
import type { Domain } from './domain.ts';
import type { Attributes, EntityState } from './entity.ts';

/**
 * @param before absent for a new entity; an older one may have been written by another version of its definition, so only
 *   what is set is checked
 * @throws (a defect of the definition) naming the attribute
 */
export function assertWritten(
  domain: Domain,
  before: EntityState | undefined,
  set: Attributes,
  after: EntityState,
): void {
  const shape = schemasOf(domain);
  const unknown = Object.keys(set).find((name) => !Object.hasOwn(shape, name));
  if (unknown !== undefined)
    throw new Error(
      `it sets "${unknown}", which is not an attribute; they are ${Object.keys(shape).join(', ')}`,
    );
  for (const name of Object.keys(before ? set : shape)) {
    const { success, error } = (shape[name] as z.ZodType).safeParse(set[name]);
    if (success) continue;
    const [issue] = error.issues;
    const place = [name, ...(issue?.path ?? [])].join('.');
    throw new Error(`it sets "${place}" as its schema does not allow: ${issue?.message ?? 'invalid'}`);
  }
  for (const [key, account] of Object.entries(domain.accounts ?? {})) {
    const name = unitAttribute(account);
    if (name !== undefined && before && before.attributes[name] !== after.attributes[name])
      throw new Error(`it changes "${name}", which says in what "${key}" is kept`);
  }
  for (const [name, states] of Object.entries(domain.always ?? {})) {
    const isNew = states.includes(after.status) && !(before && states.includes(before.status));
    if (isNew && after.attributes[name] === undefined)
      throw new Error(`it leads to "${after.status}", where "${name}" is always there, and does not set it`);
  }
}

/** @throws (a defect of the definition) where an input it makes for another command breaks that one's schema */
export function checkedInput(
  schema: z.ZodObject | undefined,
  input: object,
): Readonly<Record<string, unknown>> {
  if (!schema) return {};
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  const [issue] = error.issues;
  throw new Error(
    `it is given "${issue?.path.join('.') ?? ''}" as its schema does not allow: ${issue?.message ?? ''}`,
  );
}
