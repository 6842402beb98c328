/** A command as its caller hands it over: an HTTP request, a timer, whatever comes next. */
import type { Domain } from '../core/definition.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import type { Rejection } from '../core/rejections.ts';
import type { AnswerNews } from '../store/outbox/kept-answers.ts';
import type { Answer, DeadLetter, MessageItem } from '../store/outbox/message-items.ts';
import type { StoredAnswer } from '../store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';

/** What a command comes to, from which its caller makes the answer that is kept under the key. */
export type Result =
  | { readonly kind: 'created' | 'changed'; readonly domain: Domain; readonly entity: EntityState }
  | { readonly kind: 'locked'; readonly lock: LockState }
  | { readonly kind: 'unlocked' }
  /** What is no entity, as its caller shows it. */
  | { readonly kind: 'begun'; readonly view: object }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

interface Asked {
  readonly tenant: string;
  /** Who acts, as the ledger shows it. */
  readonly subject: string;
  /** Of the caller's token; absent where the backend itself acts, which needs nobody's leave. */
  readonly roles?: readonly string[] | undefined;
  readonly requestId: string;
  readonly traceparent?: string | undefined;
}

/** A command of a definition. */
interface Common extends Asked {
  /** Checked against its schema, with what that adds. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly domain: Domain;
}

/** What happens once because its key is taken in its transaction. */
interface UnderKey {
  /** What the key belongs to besides tenant and subject; of an HTTP request its path. */
  readonly path: string;
  readonly idempotencyKey: string;
  /** The version the caller saw. */
  readonly ifMatch?: number | undefined;
  /** As it was sent, before any schema touched it. Two requests of one key must have the same. */
  readonly payload: unknown;
  /** Called before the commit, since the answer is part of it; replays give the same object back. */
  readonly answerOf: (result: Result) => StoredAnswer;
}

interface Keyed extends Common, UnderKey {}

export interface CreateCommand extends Keyed {
  readonly kind: 'create';
}

export interface TransitionCommand extends Keyed {
  readonly kind: 'transition';
  readonly name: string;
  readonly id: string;
  readonly lockToken?: string | undefined;
  /** Of a scheduled transition: the deadline that has come, epoch milliseconds. */
  readonly dueAt?: number | undefined;
}

export interface LockCommand extends Keyed {
  readonly kind: 'lock';
  readonly id: string;
  readonly ttlSeconds: number;
  /** Whether to wait for the holder until the deadline. */
  readonly wait: 'wait' | 'nowait';
}

export interface UnlockCommand extends Keyed {
  readonly kind: 'unlock';
  readonly id: string;
  readonly lockToken: string;
}

/** Begins what is no entity and has no definition: a redrive run. It reads nothing; its items say what may stand in its way. */
export interface BeginCommand extends Asked, UnderKey {
  readonly kind: 'begin';
  readonly id: string;
  readonly items: readonly LabelledItem[];
  /** As its caller shows it. */
  readonly view: object;
}

/** The transition that an answer brings about. It happens once because its message ends in its transaction. */
export interface AnswerCommand extends Common {
  readonly kind: 'answer';
  readonly name: string;
  readonly id: string;
  /** With the answer that it has. */
  readonly message: MessageItem;
  readonly answer: Answer;
  /** What came, where the message does not have it yet. */
  readonly news?: AnswerNews | undefined;
  /** Of one that is dead: the delivery that goes to the dead letters. */
  readonly letter?: DeadLetter | undefined;
}

export type KeyedCommand = CreateCommand | TransitionCommand | LockCommand | UnlockCommand | BeginCommand;

export type CommandRequest = KeyedCommand | AnswerCommand;
