/** One write of a transaction and what it is for, so that a cancellation can be read back by its label. */
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { EntityChange } from '../../core/entity-change.ts';
import type { BalanceChange, UnreadChange } from '../../core/movements.ts';
import type { Placed, ShareChange } from '../../core/shares.ts';
import type { UniqueReservation } from '../../core/unique-holds.ts';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

export type Label =
  | { readonly purpose: 'idempotency record' }
  /** Of the message whose answer the command is. */
  | { readonly purpose: 'message end' }
  | { readonly purpose: 'entity'; readonly change: EntityChange }
  | { readonly purpose: 'fixed attributes'; readonly change: EntityChange }
  | { readonly purpose: 'unchanged entity' }
  | { readonly purpose: 'lock' }
  | { readonly purpose: 'ledger entry'; readonly change: EntityChange }
  | { readonly purpose: 'unique value'; readonly hold: UniqueReservation }
  | { readonly purpose: 'released value'; readonly hold: UniqueReservation }
  /** `now`: the moment its lock was judged by, epoch milliseconds. */
  | { readonly purpose: 'other entity'; readonly unread: UnreadChange; readonly now: number }
  | { readonly purpose: 'balance'; readonly balance: BalanceChange }
  /** An item of an account that lies on an entity and is spread. */
  | { readonly purpose: 'share'; readonly share: ShareChange }
  /** The entity's state or lock on such an item. */
  | { readonly purpose: 'share state' }
  /** `done`: the collection and the transition that its answer brings about, e.g. `payments/captured`. */
  | { readonly purpose: 'message'; readonly topic: string; readonly done?: string }
  | { readonly purpose: 'redrive run' | 'redrive list' }
  /** Of the operator's log. */
  | { readonly purpose: 'operation' }
  /** Held by the run of a match that goes on. */
  | { readonly purpose: 'redrive match' };

export interface LabelledItem {
  readonly label: Label;
  readonly item: TransactItem;
}

export interface CommitContext {
  readonly tenant: string;
  /** How often the command has met another transaction. */
  readonly meetings: number;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly requestId: string;
  readonly traceparent?: string | undefined;
  /** The lock the caller holds on the command's own entity. */
  readonly lockToken?: string | undefined;
  /** By entity, the items to which a posting goes that need not go to the entity's own. */
  readonly placed?: ReadonlyMap<string, Placed>;
}
