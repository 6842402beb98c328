/** What a caller sees of an entity. */
import * as z from 'zod';
import type { Domain } from '../core/definition.ts';
import { isLocked } from '../core/entity.ts';
import type { EntityState } from '../core/entity.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { allowedTransitions } from '../core/registry.ts';
import { upgraded } from '../core/upgrade.ts';
import { timestamp } from '../runtime/clock.ts';

/** An older entity is shown as the newest definition has it. */
export function entityView(domain: Domain, entity: EntityState): Record<string, unknown> {
  const { id, status, version, createdAt, updatedAt, attributes, balances } = upgraded(domain, entity);
  const shown = Object.keys(domain.attributes.shape).filter((name) => attributes[name] !== undefined);
  const accounts = Object.entries(domain.accounts ?? {}).filter(([, { shown: isShown }]) => isShown === true);
  return {
    id,
    type: domain.type,
    status,
    version,
    createdAt,
    updatedAt,
    ...Object.fromEntries(
      shown.map((name) => [name, inOrder(domain.attributes.shape[name], attributes[name])]),
    ),
    ...Object.fromEntries(accounts.map(([key]) => [key, balances[key] ?? 0])),
    allowedTransitions: allowedTransitions(domain, status),
  };
}

/** What time does to an entity: until when it is locked, and what happens to it by itself. A lock's token is its holder's. */
export interface Timing {
  readonly lock?: { readonly by?: string; readonly fence: number; readonly expiresAt: string };
  readonly deadline?: { readonly transition: string; readonly at: string };
}

/** @param now epoch milliseconds */
export function timingView(domain: Domain, entity: EntityState, now: number): Timing {
  const { lock, due, status } = entity;
  const isWaitedFor = due?.while.includes(status) === true;
  // The moment of a deadline is an attribute, and may be one that is kept hidden.
  const { at: attribute = '' } = (due && domain.deadlines?.[due.transition]) ?? {};
  const isHidden = Object.hasOwn(domain.hidden?.shape ?? {}, attribute);
  return {
    ...(lock &&
      isLocked(entity, now) && {
        lock: {
          ...(lock.by !== undefined && { by: lock.by }),
          fence: lock.fence,
          expiresAt: timestamp(lock.expiresAt),
        },
      }),
    ...(due &&
      isWaitedFor &&
      !isHidden && { deadline: { transition: due.transition, at: timestamp(due.at) } }),
  };
}

/** The database gives the keys of an object back in an order of its own; here they stand as in the schema. */
function inOrder(schema: unknown, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return inOrder(schema.unwrap(), value);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((entry) => inOrder(schema.element, entry));
  if (!(schema instanceof z.ZodObject)) return value;
  const names = [...new Set([...Object.keys(schema.shape), ...Object.keys(value)])];
  const of = value as Readonly<Record<string, unknown>>;
  const present = names.filter((name) => Object.hasOwn(of, name));
  return Object.fromEntries(present.map((name) => [name, inOrder(schema.shape[name], of[name])]));
}

/** A strong entity tag (RFC 9110): the version, quoted. */
export const etagOf = ({ version }: EntityState): string => `"${version}"`;

export const locationOf = (domain: Domain, id: string): string => `/v1/${domain.collection}/${id}`;

/** `changes` stays inside: it may hold what an entity keeps hidden. */
export function entryView(entry: LedgerEntry): Omit<LedgerEntry, 'changes'> {
  const { seq, command, from, to, actor, at, data, postings, hash, previousHash } = entry;
  return { seq, command, from, to, actor, at, data, postings, hash, previousHash };
}
