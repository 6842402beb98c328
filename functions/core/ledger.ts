/**
 * The ledger of an entity: one entry a command, chained by hashes, so that an entry changed, removed, inserted
 * or reordered behind the API shows (guarantee G15).
 */
import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { Posting } from './postings.ts';

export interface LedgerEntry {
  /** 1 for the entry that created the entity, without a gap. */
  readonly seq: number;
  /** `create`, or a transition's name. */
  readonly command: string;
  /** `null` for the entry that created the entity. */
  readonly from: string | null;
  readonly to: string;
  /** The subject on whose behalf, or `system:…`. */
  readonly actor: string;
  /** RFC 3339 UTC, milliseconds; never before the entry it follows. */
  readonly at: string;
  /** The input, without its secrets. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Attributes the command set to something else than `data` says, `null` for one it took away. Kept for the audit, not shown. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly postings: readonly Posting[];
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly previousHash: string;
}

/** What the first entry of a ledger follows. */
export const genesisHash = '0'.repeat(64);

/** SHA-256 over the RFC 8785 canonical form of the entry, its place and the hash of the entry before it. */
export function entryHash(tenant: string, entity: string, entry: Omit<LedgerEntry, 'hash'>): string {
  const { seq, command, from, to, actor, at, data, changes, postings, previousHash } = entry;
  const content = {
    tenant,
    entity,
    seq,
    command,
    from,
    to,
    actor,
    at,
    data,
    changes,
    postings,
    previousHash,
  };
  return createHash('sha256').update(canonicalize(content)).digest('hex');
}

/** Closes an entry with its hash. */
export function sealed(tenant: string, entity: string, entry: Omit<LedgerEntry, 'hash'>): LedgerEntry {
  return { ...entry, hash: entryHash(tenant, entity, entry) };
}
