/** What the functions of a definition are handed. */
import type { Command } from './command.ts';
import type { EntityState } from './entity.ts';
import { creationsOf } from './creations.ts';
import { collectionOf } from './others.ts';
import { startIn } from './domain.ts';
import type { AnyCreation, AnyOther } from './domain.ts';

/** States by id, as far as they were read; `undefined` where there is no such entity. */
export type Known = ReadonlyMap<string, EntityState | undefined>;

/** Thrown through a definition that asks for something that has not been read. */
export class Unread extends Error {}

/** Thrown through a definition that looks at an entity that is not there. */
export class Absent extends Error {
  readonly collection: string;
  readonly id: string;
  constructor(collection: string, id: string) {
    super(`${collection} have no ${id}`);
    this.collection = collection;
    this.id = id;
  }
}

/** The other entity that is meant, if there is one of that collection. */
export const stateOf = (known: Known, collection: string, id: string): EntityState | undefined => {
  const state = known.get(id);
  return state?.collection === collection ? state : undefined;
};

/** The functions of a definition ask each for what it needs; `getters` find it then, and once. */
function lazily<T extends object>(
  target: T,
  getters: Readonly<Record<string, () => unknown>>,
  enumerable = true,
): T {
  for (const [name, find] of Object.entries(getters)) {
    Object.defineProperty(target, name, {
      configurable: true,
      enumerable,
      get: () => {
        const value = find();
        Object.defineProperty(target, name, { value, enumerable });
        return value;
      },
    });
  }
  return target;
}

/** What a command creates, by name, as it begins. */
function createdBy(
  command: Command,
  creates: Readonly<Record<string, AnyCreation>> = {},
  context: object,
  known: Known,
): Readonly<Record<string, unknown>> {
  const creations = creationsOf(command, creates, context);
  return Object.fromEntries(
    Object.entries(creates).map(([name, { of }]) => {
      const begun = creations
        .filter((creation) => creation.name === name)
        .map(({ command: creating }): unknown => {
          const { domain, id } = creating;
          const its = contextOf(creating, undefined, known);
          return { ...domain.create.set(its), id, status: startIn(domain, its) };
        });
      return [name, of !== 'self' && 'many' in of ? begun : begun[0]];
    }),
  );
}

/**
 * The context of a command.
 * @param entity absent where it is created, or has not been read
 */
export const contextOf = (command: Command, entity: EntityState | undefined, known: Known): object =>
  contextAndReliance(command, entity, known).context;

/** @returns beside it the accounts that the definition relies on, as far as it has asked for them */
export function contextAndReliance(
  command: Command,
  entity: EntityState | undefined,
  known: Known,
): { readonly context: object; readonly relied: ReadonlySet<string> } {
  const relied = new Set<string>();
  const { domain, name, id, input, actor, roles = [], now, random } = command;
  const isCreate = name === 'create';
  const definition = isCreate ? domain.create : domain.transitions[name];
  const context: object = {
    ...{ id, input, actor, roles, now },
    ...(isCreate
      ? { random }
      : {
          relyOn: (account: string): number => {
            if (!entity) throw new Unread();
            if (domain.accounts?.[account]?.spread !== undefined)
              throw new Error(`"${account}" is spread, and no command can rely on what it holds`);
            relied.add(account);
            return entity.balances[account] ?? 0;
          },
        }),
  };
  const one = (collection: string, of: string): unknown => {
    if (!known.has(of)) throw new Unread();
    const state = stateOf(known, collection, of);
    return state && { ...state.attributes, id: of, status: state.status };
  };
  const found = (other: AnyOther): unknown => {
    const collection = collectionOf(domain, other);
    const told = other.id(context);
    if (told === undefined) return undefined;
    if (typeof told !== 'string')
      return told.map((each) => one(collection, each)).filter((each) => each !== undefined);
    const state = one(collection, told);
    if (state === undefined) throw new Absent(collection, told);
    return state;
  };
  const others = Object.entries({ ...definition?.reads, ...definition?.links });
  // The rest of a context (`{ id, ...rest }`) does not ask for what is created: its inputs are being made from that.
  lazily(context, { created: () => createdBy(command, definition?.creates, context, known) }, false);
  lazily(context, {
    others: () => lazily({}, Object.fromEntries(others.map(([each, other]) => [each, () => found(other)]))),
    ...(!isCreate && {
      entity: () => {
        if (!entity) throw new Unread();
        return { ...entity.attributes, status: entity.status };
      },
    }),
  });
  return { context, relied };
}
