/** Which other entities a command names: what it reads or takes along has to be at hand before it is decided. Pure. */
import type { Command } from './command.ts';
import { Unread } from './context.ts';
import type { Known } from './context.ts';
import type { AnyCommand, AnyOther, AnyTransition, Domain } from './domain.ts';
import { collectionOf, othersAtMost } from './others.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { upgradeCommand, upgradeTransition } from './upgrade.ts';

export const transitionOf = (domain: Domain, name: string): AnyTransition | undefined =>
  name === upgradeCommand ? upgradeTransition(domain) : domain.transitions[name];

/** @throws where there is no such command */
export function definitionOf({ domain, name }: Command): AnyCommand & Partial<Pick<AnyTransition, 'set'>> {
  const definition = name === 'create' ? domain.create : transitionOf(domain, name);
  if (!definition) throw new Error(`${domain.collection} has no transition "${name}"`);
  return definition;
}

/** `undefined` where it asks for something that has not been read. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Unread) return undefined;
    throw error;
  }
}

/**
 * The entities that a command reads or takes along, as far as their names are known.
 * @param context of the command, as `contextOf` makes it
 */
export function namedOthers(command: Command, context: object): readonly string[] {
  return namesOf(command, context).flatMap((ids) => ids ?? []);
}

/** One list for each that the definition declares; `undefined` where its name comes from one that was not read. */
function namesOf(command: Command, context: object): readonly (readonly string[] | undefined)[] {
  const { reads = {}, links = {} } = definitionOf(command);
  return Object.values({ ...reads, ...links }).map((other) => tried(() => idsOf(other, context)));
}

/** The entities that are needed and were not read; names may come from others, which are read before. */
export function missingOf(command: Command, context: object, known: Known): readonly string[] {
  const named = namesOf(command, context);
  const missing = [...new Set(named.flatMap((ids) => ids ?? []))].filter((id) => !known.has(id));
  if (missing.length === 0 && named.includes(undefined)) {
    throw new Error('it names others by each other, and none by itself');
  }
  return missing;
}

/** @throws (a defect of the definition) where there are more than it says */
export function idsOf(other: AnyOther, context: object): readonly string[] {
  const told = other.id(context);
  const ids = told === undefined ? [] : typeof told === 'string' ? [told] : told;
  const most = othersAtMost(other);
  if (ids.length > most)
    throw new Error(`${ids.length} other entities are named, and ${most} at most are declared`);
  return ids;
}

/** Who names an entity that is not there is told so before a rule looks at it. */
export function absentOf(command: Command, context: object, known: Known): Rejection | undefined {
  const { reads = {}, links = {} } = definitionOf(command);
  const needed = [...Object.values(reads), ...Object.values(links).filter(({ refused }) => !refused)];
  for (const other of needed) {
    const collection = collectionOf(command.domain, other);
    // What is there stays there, so that this rests on no state.
    const there = new Set(
      [...known.values()].flatMap((state) => (state?.collection === collection ? [state.id] : [])),
    );
    const absent = idsOf(other, context).find((id) => !there.has(id));
    if (absent !== undefined) return rejections.unknownReference(collection, absent);
  }
  return undefined;
}
