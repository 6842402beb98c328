/** How large the transaction of a command may become, told from its definition before anything runs. */
import * as z from 'zod';
import { request } from '../runtime/limits.ts';
import type { AnyCommand, Domain } from './domain.ts';
import { messagesAtMost } from './messages.ts';
import { domainOf, othersAtMost } from './others.ts';
import type { AnyOther } from './domain.ts';

/** How many accounts that are not its own a command touches at most, unless its definition says otherwise. */
export const accountsByDefault = 2;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const countOf = (others: Readonly<Record<string, AnyOther>> = {}): number =>
  Object.values(others).reduce((sum, other) => sum + othersAtMost(other), 0);

interface Made {
  readonly of: Domain;
  /** How many at most. */
  readonly most: number;
}

const madeBy = (domain: Domain, { creates = {} }: AnyCommand): readonly Made[] =>
  Object.values(creates).map((creation) => ({
    of: domainOf(domain, creation),
    most: othersAtMost(creation),
  }));

/** Accounts that are not its own. */
const accountsOf = ({ transfers, accountsAtMost = accountsByDefault }: AnyCommand): number =>
  transfers ? accountsAtMost : 0;

/** The item that a new entity has for its fixed attributes. */
const fixedOf = ({ fixed = [] }: Domain): number => (fixed.length > 0 ? 1 : 0);

/** The items of its accounts that have the entity's state, besides its own. */
const sharesOf = ({ accounts = {} }: Domain): number =>
  sum(Object.values(accounts).map(({ spread = 1 }) => spread - 1));

/**
 * The items a command may write: idempotency record, entity, ledger entry and the balances it touches; each unique value
 * released and taken; each entity that it checks or reads; each that it takes along, with its ledger entry and up to two
 * balances; of both the items of spread accounts; each message; and each entity that it creates, with its ledger entry
 * and all the rest of its own creation.
 */
export function itemsAtMost(domain: Domain, command: AnyCommand): number {
  const { references, reads, links = {}, messages } = command;
  const own = 3 + fixedOf(domain) + accountsOf(command) + 2 * (domain.unique?.length ?? 0);
  const shares = 'from' in command ? sharesOf(domain) : 0;
  const linked = Object.values(links).map(
    (link) => othersAtMost(link) * (4 + sharesOf(domainOf(domain, link))),
  );
  const made = madeBy(domain, command).map(({ of, most }) => {
    const { create, unique = [] } = of;
    const each = 2 + fixedOf(of) + accountsOf(create) + unique.length;
    const looked = countOf(create.references) + countOf(create.reads);
    return most * (each + looked + messagesAtMost(create.messages));
  });
  const others = countOf(references) + countOf(reads) + sum(linked);
  return own + shares + others + messagesAtMost(messages) + sum(made);
}

/** Keys, hashes, times and names of an item: a few hundred bytes, taken generously. */
const overheadBytes = 1_024;

/** The bytes of an entity's item. */
export const entityBytesAtMost = ({ attributes, hidden }: Domain): number =>
  overheadBytes + bytesOf(attributes) + (hidden ? bytesOf(hidden) : 0);

/**
 * The bytes a command may write: the entity in its item, its ledger entry, the kept answer and each message, with the
 * input in the entry; two times each entity that it takes along; and of each that it creates its item, entry and
 * messages. A value is as long as its schema allows, and no longer than a request's body, which is where long values
 * come from.
 */
export function bytesAtMost(domain: Domain, command: AnyCommand): number {
  const { input, links = {}, messages } = command;
  const entity = entityBytesAtMost(domain);
  const told = input ? bytesOf(input) : 0;
  const taken = Object.values(links).reduce((sum, link) => {
    const of = domainOf(domain, link);
    return sum + othersAtMost(link) * 2 * entityBytesAtMost(of);
  }, 0);
  const made = madeBy(domain, command).map(({ of, most }) => {
    const one = entityBytesAtMost(of);
    const input = bytesOf(of.create.input);
    return most * (2 * one + input + messagesAtMost(of.create.messages) * (one + input));
  });
  return 3 * entity + told + taken + sum(made) + messagesAtMost(messages) * (entity + told);
}

/** Every command of a domain asks for the bytes of the same schemas, and to read one takes a millisecond. */
const knownBytes = new WeakMap<z.ZodObject, number>();

function bytesOf(schema: z.ZodObject): number {
  const known = knownBytes.get(schema);
  if (known !== undefined) return known;
  const bytes = Object.values(schema.shape as Readonly<Record<string, z.ZodType>>)
    .map((field) => fieldBytes(z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as FieldSchema))
    .reduce((sum, each) => sum + each, 0);
  knownBytes.set(schema, bytes);
  return bytes;
}

interface FieldSchema {
  readonly type?: unknown;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: FieldSchema;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

/** A text without a bound is an id, a time, or comes from a receiver's answer, of which 4 KiB are kept. */
const unboundedCharacters = 1_024;

/** A character takes 4 bytes at most, and a number 22. */
function fieldBytes({
  type,
  maxLength = unboundedCharacters,
  maxItems = Infinity,
  items,
  properties = {},
}: FieldSchema): number {
  const whole = (): number => {
    if (type === 'string') return 4 * maxLength;
    if (type === 'array') return maxItems * fieldBytes(items ?? {});
    if (type === 'object') return Object.values(properties).reduce((sum, each) => sum + fieldBytes(each), 0);
    return 22;
  };
  return Math.min(whole(), request.bodyMaxBytes);
}
