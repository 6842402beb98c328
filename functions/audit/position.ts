/**
 * Where an audit goes on: the cursor of the API, decoded. It names places only, whose data the token's tenant
 * decides; a forged one audits in another order, or is refused.
 */
import * as z from 'zod';
import { decodeCursor, encodeCursor } from '../api/cursor.ts';
import { ProblemError } from '../api/problem.ts';
import type { Registry } from '../core/registry.ts';
import { messageGroups } from '../store/outbox/message-items.ts';

/** A ULID: its first ten characters are a time of 48 bits. */
const run = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
const id = z.string().regex(/^[a-z]+_[0-9A-HJKMNP-TV-Z]{26}$/);
const place = z.int().min(1).max(9_999_999_999);

/** A place among the entities of all collections, newest first within each. */
const entityPlace = {
  collection: z.string(),
  /** All from here upwards are done. */
  before: z.string().max(100).optional(),
  /** The entity just below `before` is done up to this entry. */
  within: z.strictObject({ id, seq: place }).optional(),
};

const position = z.discriminatedUnion('phase', [
  /** Every entity by itself; the postings are summed up by account. */
  z.strictObject({ phase: z.literal('entities'), run, ...entityPlace }),
  /** Messages of entities that no list shows. */
  z.strictObject({
    phase: z.literal('messages'),
    run,
    group: z.enum(messageGroups),
    after: z.string().max(200).optional(),
  }),
  /** Every account's sum against its balance. */
  z.strictObject({
    phase: z.literal('accounts'),
    run,
    pass: z.union([z.literal(1), z.literal(2)]),
    hasSuspects: z.boolean(),
    /** The row up to which all is summed up, and what is known so far of the account it belongs to. */
    open: z
      .strictObject({
        sk: z.string().max(300),
        sum: z.int(),
        count: z.int(),
        /** The newest stretch that is summed up. */
        newest: z.string().max(100),
        /** Some ledger is summed up twice. */
        isDoubled: z.boolean(),
      })
      .optional(),
  }),
  /** The postings of accounts whose balance differed, summed up once more. */
  z.strictObject({ phase: z.literal('recount'), run, ...entityPlace }),
]);

export type Position = z.infer<typeof position>;
export type PositionIn<Phase extends Position['phase']> = Extract<Position, { readonly phase: Phase }>;
export type EntityPlace = Pick<PositionIn<'entities'>, 'collection' | 'before' | 'within'>;

const listOf = (tenant: string): readonly string[] => [tenant, 'audit'];

export const encodePosition = (tenant: string, next: Position): string =>
  encodeCursor(listOf(tenant), JSON.stringify(next));

/** @throws ProblemError 400 */
export function decodePosition(registry: Registry, tenant: string, cursor: string): Position {
  const text = decodeCursor(listOf(tenant), cursor);
  const { data } = position.safeParse(parsed(text));
  if (!data || ('collection' in data && !registry.find(data.collection))) throw noCursor;
  return data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const noCursor = new ProblemError({
  status: 400,
  code: 'invalid_request',
  detail: 'The cursor does not belong to an audit that is going on.',
  members: { errors: [{ path: 'cursor', message: 'is not a cursor of an audit' }] },
});

/** The place before the first entity of all. @throws (a defect) where there are no domains */
export function firstEntity({ domains }: Registry): EntityPlace {
  const [first] = domains;
  if (!first) throw new Error('there are no domains');
  return { collection: first.collection };
}

/** The place before the first entity of the next collection; `undefined` after the last one. */
export function nextCollection({ domains }: Registry, collection: string): EntityPlace | undefined {
  const index = domains.findIndex((domain) => domain.collection === collection);
  const next = domains[index + 1];
  return next && { collection: next.collection };
}
