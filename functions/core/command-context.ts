/** What the functions of a definition are handed, as the compiler sees it; `context.ts` makes it. */
import type { Subject } from './domain.ts';
import type { EntityIn } from './entity-in-state.ts';
import type { Others } from './others.ts';

/** What every function of a definition is handed. */
export interface Context<Input> {
  readonly id: string;
  readonly input: Input;
  /** The token's subject. */
  readonly actor: string;
  /** Of the token; none where the backend itself acts. */
  readonly roles: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface CreateContext<Input, Read> extends Context<Input> {
  /** 128 random bits, base64url: for codes. */
  readonly random: string;
  /** The entities of `reads` and `links`, by name, as they were before. */
  readonly others: Read;
}

export interface TransitionContext<Entity, Input, Read, Account extends string> extends Context<Input> {
  /** As it was before. */
  readonly entity: Entity;
  /** The entities of `reads` and `links`, by name, as they were before. */
  readonly others: Read;
  /**
   * The balance of an account of the entity, held to what was read: other commands may move it until this one commits,
   * and then it is decided again. A rule on it (`{ path: 'remaining', atLeast: 1 }`) costs no such race.
   */
  readonly relyOn: (account: Account) => number;
}

/** For messages: the entity after the command, without its accounts. */
export interface After<Entity> {
  readonly after: Entity;
}

export type TransitionContextOf<Self extends Subject, Always, Input, From, Read, Link> = TransitionContext<
  EntityIn<Self, Always, From>,
  Input,
  Others<Read, Self> & Others<Link, Self>,
  Self['account']
>;

/** What an example may follow from. */
export interface ExampleContext<Read> {
  /** Epoch milliseconds, when it is sent. */
  readonly now: number;
  /** The entities of `reads` and `links`, by name, as they are then. */
  readonly others: Read;
}
