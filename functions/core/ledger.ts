/**
 * The ledger of an entity: one entry a command, chained by hashes, so that an entry changed, removed, inserted
 * or reordered behind the API shows (guarantee G15).
 */
import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { Due, UniqueHold } from './entity.ts';
import type { MessageDraft } from './messages.ts';
import type { Posting } from './postings.ts';

/** Messages of one kind as the entry that caused them keeps them, in the order in which they lie in the outbox. */
export interface CausedMessages {
  readonly topic: string;
  readonly type: string;
  /** The payload is removed from the outbox once the message is done. */
  readonly sensitive?: true;
  /** SHA-256 of each payload as it lies in the outbox, base64url. */
  readonly hashes: readonly string[];
}

/** What a command brought about besides attributes and postings, so that nobody has to ask the definition again. */
export interface Effects {
  /** The status that the entity had by the newer definition, where an upgrade changed it with this command. */
  readonly upgradedTo?: string;
  /** Unique values by constraint: what it took, `null` for one that it released. */
  readonly held?: Readonly<Record<string, UniqueHold | null>>;
  /** The deadline that it set; `null` where it ended one. */
  readonly due?: Due | null;
  readonly messages?: readonly CausedMessages[];
}

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
  /** Attributes the command set to something else than `data` says, `null` for what is no attribute (any more). Kept for the audit, not shown. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly postings: readonly Posting[];
  /** The version of the definition that made it; absent in entries that are older than versions. */
  readonly definition?: number;
  /** Kept for the audit, not shown. */
  readonly effects?: Effects;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly previousHash: string;
}

/** What the first entry of a ledger follows. */
export const genesisHash = '0'.repeat(64);

/** SHA-256 over the RFC 8785 canonical form of the entry, its place and the hash of the entry before it. */
export function entryHash(tenant: string, entity: string, entry: Omit<LedgerEntry, 'hash'>): string {
  const { seq, command, from, to, actor, at, data, changes, postings, previousHash } = entry;
  const { definition, effects } = entry;
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
    ...(definition !== undefined && { definition }),
    ...(effects && { effects }),
  };
  return createHash('sha256').update(canonicalize(content)).digest('hex');
}

/** Closes an entry with its hash. */
export function sealed(tenant: string, entity: string, entry: Omit<LedgerEntry, 'hash'>): LedgerEntry {
  return { ...entry, hash: entryHash(tenant, entity, entry) };
}

/** A payload as it lies in the outbox. */
export const payloadText = (payload: MessageDraft['payload']): string => JSON.stringify(payload);

export const payloadHash = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Neighbours of one kind share their head: an entry that stays within a kilobyte costs half of one that does not. */
export function caused(messages: readonly MessageDraft[]): readonly CausedMessages[] {
  const kinds: (CausedMessages & { readonly hashes: string[] })[] = [];
  for (const { topic, type, payload, sensitive } of messages) {
    const hash = payloadHash(payloadText(payload));
    const last = kinds.at(-1);
    const isSame =
      last?.topic === topic && last.type === type && last.sensitive === (sensitive === true || undefined);
    if (isSame) last.hashes.push(hash);
    else kinds.push({ topic, type, ...(sensitive === true && { sensitive }), hashes: [hash] });
  }
  return kinds;
}
