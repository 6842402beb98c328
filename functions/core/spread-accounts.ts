/**
 * Named accounts that everybody posts to. One item takes 25 to 50 commands a second before callers wait, since a
 * transaction holds it for some 10 ms and whoever meets it is cancelled. So a role of named accounts may be spread: each
 * account of it lies in several items with partition keys of their own, a posting adds to one of them, and the balance
 * is their sum. No condition of the database sees more than one item, so a floor cannot hold the sum.
 */
import type { z } from 'zod';
import { balanceMax, account as limits } from '../runtime/limits.ts';
import { commandsOf } from './domain.ts';
import type { AnyCommand, Domain } from './domain.ts';
import type { Movement, NamedAccount } from './postings.ts';

/** What stands before the first colon of a named account. */
export const roleOf = (account: string): string => account.slice(0, account.indexOf(':'));

/** Over how many items each role is spread, of all domains. */
export const spreadByRole = (domains: readonly Domain[]): ReadonlyMap<string, number> =>
  new Map(domains.flatMap(({ spread = {} }) => Object.entries(spread)));

/**
 * What one item of an account may hold, so that the sum of them all is an exact integer.
 * @param items over which it is spread; 1 where it is not
 */
export const itemBalanceMax = (items: number): number => Math.floor(balanceMax / items);

/** Why an account cannot be spread; `undefined` where it can. */
export function spreadFault({ name, unit, floor }: NamedAccount): string | undefined {
  if (floor)
    return `"${name}" has a floor, and no single item of a spread account knows the balance; leave the floor or the spread out`;
  // Items are begun one by one, so no one of them can tell in what the others are kept.
  if (!name.endsWith(`:${unit}`))
    return `"${name}" is spread, and its name does not end with its unit, ${unit}; make it by \`named(...)\``;
  return undefined;
}

/**
 * What is wrong with the spread of a domain: by itself, and with what the commands of all domains post to it, as far as
 * the examples of their fields show it. What they do not show is refused when it is posted.
 * @returns place and fault
 */
export function spreadFaultOf(
  domain: Domain,
  domains: readonly Domain[],
): readonly [place: string, fault: string] | undefined {
  for (const [role, items] of Object.entries(domain.spread ?? {})) {
    const place = `spread "${role}"`;
    if (!/^[^:]+$/.test(role))
      return [place, 'it is no role of named accounts; take what is first in `named(...)`'];
    if (!Number.isInteger(items) || items < limits.spreadMin || items > limits.spreadMax)
      return [place, `${items} is no number of items; use ${limits.spreadMin} to ${limits.spreadMax}`];
    for (const other of domains) {
      for (const [name, command] of commandsOf(other)) {
        const fault = postedBy(other, command)
          .filter((account) => roleOf(account.name) === role)
          .map(spreadFault)
          .find((each) => each !== undefined);
        if (fault !== undefined) return [place, `"${name}" of ${other.collection} posts to it: ${fault}`];
      }
    }
  }
  return undefined;
}

/** The named accounts that a command posts to, told from the examples; none where it can make nothing of them. */
function postedBy({ attributes, hidden }: Domain, { input, transfers }: AnyCommand): readonly NamedAccount[] {
  if (!transfers) return [];
  const entity = { ...examplesOf(attributes), ...examplesOf(hidden), status: '' };
  const context = { id: '', input: examplesOf(input), actor: '', roles: [], now: 0, random: '', entity };
  try {
    const movements: readonly Movement[] = transfers({
      ...context,
      others: {},
      created: {},
      relyOn: () => 0,
    });
    return movements.flatMap(({ account }) => ('name' in account ? [account] : []));
  } catch {
    return [];
  }
}

const examplesOf = (object: z.ZodObject | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries((object?.shape ?? {}) as Readonly<Record<string, z.ZodType>>).map(([name, field]) => [
      name,
      (field.meta()?.['examples'] as readonly unknown[] | undefined)?.[0],
    ]),
  );
