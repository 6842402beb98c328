/**
 * The unique values of an entity: which it holds after a command, and which it takes and releases with it. What it holds
 * is what was written; today's definition says only what the command changes.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Domain, UniqueValue } from './definition.ts';
import type { EntityState, UniqueHold } from './entity.ts';

/** A unique value and its holder, as its item tells. */
export interface UniqueReservation {
  readonly constraint: string;
  readonly hash: string;
  readonly entity: string;
}

/** A value that two entities of one transaction would take. */
export function valueTakenTwice(
  changes: readonly { readonly taken: readonly UniqueReservation[] }[],
): UniqueReservation | undefined {
  const taken = changes.flatMap((change) => change.taken);
  return taken.find((one, index) =>
    taken.slice(0, index).some(({ constraint, hash }) => constraint === one.constraint && hash === one.hash),
  );
}

export type Holds = Readonly<Record<string, UniqueHold>>;
type Holder = Pick<EntityState, 'status' | 'attributes'>;

export const hashOfValues = (values: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(values)).digest('base64url');

const constraintsOf = (domain: Domain): readonly UniqueValue<string, unknown>[] =>
  (domain.unique ?? []) as readonly UniqueValue<string, unknown>[];

/** What a definition lets an entity hold. */
export const holdsBy = (domain: Domain, holder: Holder): Holds =>
  Object.fromEntries(
    constraintsOf(domain).flatMap((unique) => {
      const values = unique.while.includes(holder.status) ? unique.of(holder.attributes) : undefined;
      return values ? [[unique.name, { hash: hashOfValues(values), while: unique.while }]] : [];
    }),
  );

/** What an entity holds. One that is older than these records holds what the definition says, as it did then. */
export const holdsOf = (domain: Domain, entity: EntityState): Holds => entity.held ?? holdsBy(domain, entity);

/**
 * What an entity holds after a command:
 * - a value that the command does not change stays as it was written, or as it was not written: a constraint that was
 *   added later begins with the entities that are created or changed from then on;
 * - one that the command gives or changes is taken, and one that it takes away is released;
 * - in a state of which the definition says nothing, what was written says whether it is held on.
 */
export function holdsAfter(domain: Domain, before: EntityState | undefined, after: Holder): Holds {
  if (!before) return holdsBy(domain, after);
  const written = holdsOf(domain, before);
  const held = new Map(Object.entries(written).filter(([, hold]) => hold.while.includes(after.status)));
  for (const { name, while: states, of } of constraintsOf(domain)) {
    if (!states.includes(after.status)) continue;
    const values = of(after.attributes);
    const isUnchanged = states.includes(before.status) && isDeepStrictEqual(of(before.attributes), values);
    const hash = isUnchanged ? written[name]?.hash : values && hashOfValues(values);
    if (hash === undefined) held.delete(name);
    else if (held.get(name)?.hash !== hash) held.set(name, { hash, while: states });
  }
  return Object.fromEntries(held);
}

/** What an entity holds once it is upgraded: all that the definition says, and what it says nothing of. */
export function holdsAnew(domain: Domain, written: Holds, after: Holder): Holds {
  const names = new Set(constraintsOf(domain).map(({ name }) => name));
  const foreign = Object.entries(written).filter(
    ([name, hold]) => !names.has(name) && hold.while.includes(after.status),
  );
  return { ...Object.fromEntries(foreign), ...holdsBy(domain, after) };
}

/** What is among `holds` and not among `others`. */
export const reservationsBeyond = (
  entity: string,
  holds: Holds,
  others: Holds,
): readonly UniqueReservation[] =>
  Object.entries(holds)
    .filter(([constraint, { hash }]) => others[constraint]?.hash !== hash)
    .map(([constraint, { hash }]) => ({ constraint, hash, entity }));

/** What a command changed of the values an entity holds, by constraint; `null` for one that it released. */
export function changedHolds(before: Holds, after: Holds): Readonly<Record<string, UniqueHold | null>> {
  const released = Object.keys(before).filter((constraint) => !Object.hasOwn(after, constraint));
  const taken = Object.entries(after).filter(
    ([constraint, hold]) => !isDeepStrictEqual(before[constraint], hold),
  );
  return Object.fromEntries([...released.map((constraint) => [constraint, null] as const), ...taken]);
}
