/** What a command comes to: everything that its transaction has to write, or why it is refused. */
import type { Command } from './command.ts';
import type { Known } from './context.ts';
import type { EntityChange } from './entity-change.ts';
import type { MessageDraft } from './messages.ts';
import type { BalanceChange, UnreadChange } from './movements.ts';
import type { Registry } from './registry.ts';
import type { Rejection } from './rejections.ts';

export interface PlannedMessage extends MessageDraft {
  readonly entity: string;
  readonly collection: string;
  readonly seq: number;
  /** Place among the messages of this entry, from 0. */
  readonly n: number;
  readonly createdAt: string;
}

/** Everything a command changes, all of it or nothing. */
export interface Decision {
  /** The command's own entity first, then those of its linked transitions, then those that it creates. */
  readonly entities: readonly [EntityChange, ...EntityChange[]];
  /** Other entities: checked, or updated without reading. */
  readonly unread: readonly UnreadChange[];
  /** Accounts that are not part of an entity. */
  readonly balances: readonly BalanceChange[];
  readonly messages: readonly PlannedMessage[];
}

export type Decided =
  | { readonly kind: 'accepted'; readonly decision: Decision }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** These have to be read before it can be decided. */
  | { readonly kind: 'incomplete'; readonly ids: readonly string[] };

export const rejected = (rejection: Rejection): Extract<Decided, { readonly kind: 'rejected' }> => ({
  kind: 'rejected',
  rejection,
});

/** Decides a command on what is known. What it takes along is decided by the same function. */
export type Decide = (registry: Registry, command: Command, known: Known) => Decided;
