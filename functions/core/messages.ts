/**
 * The messages a command may cause, as data: each is declared once, with all that can be said of it beforehand, and a
 * function that makes its payload. So they can be listed, counted and checked when a definition is loaded.
 */
import type { Topic } from '../runtime/topics.ts';

/** What the outside may answer, each with a transition of the entity that sent the message (named in the head). */
export const answers = ['done', 'refused', 'dead'] as const;
export type Answer = (typeof answers)[number];

/** What is known of a message before it is sent. */
export interface MessageHead<Transition extends string = string> {
  readonly topic: Topic;
  /** E.g. `payment.capture`. */
  readonly type: string;
  /** Who gets an `external-call`, by the name under which its URL and its secret are set; else the one of all others. */
  readonly receiver?: string;
  /**
   * After a call that may have acted or not: send it again (`retry`, where none is said), ask the receiver first, or
   * leave it to a person.
   */
  readonly uncertain?: 'retry' | 'inquire' | 'hold';
  /** The internal transition of the same entity that the answer brings about. */
  readonly done?: Transition;
  readonly refused?: Transition;
  readonly dead?: Transition;
  /** Sent to its receiver in the order in which the entity caused them. */
  readonly ordered?: boolean;
  /** The payload is removed from the outbox once the message is done. */
  readonly sensitive?: boolean;
  /** States that the command must lead to for it to be sent; any, where none is said. */
  readonly sentIn?: readonly string[];
  /** How many of them one command may send; 1 where none is said. */
  readonly atMost?: number;
}

/** A message as a command sends it. */
export interface MessageDraft extends MessageHead {
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A mail. `to` is an address, or a name that is a mailbox at the sender's own domain. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** A statement, as CSV. */
export interface Statement {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What a language model is to sum up. */
export interface Source {
  readonly title: string;
  readonly text: string;
}

interface Payloads {
  readonly notification: Mail;
  /** Anything that is JSON, sent as a signed POST. */
  readonly 'external-call': Readonly<Record<string, unknown>>;
  readonly report: Statement;
  readonly llm: Source;
}

type Declared<T extends Topic, Context, Transition extends string> = Omit<
  MessageHead<Transition>,
  'topic' | 'receiver'
> & {
  readonly topic: T;
  /** One payload, several (see `atMost`), or none: then nothing is sent. */
  readonly payload: (context: Context) => Payloads[T] | readonly Payloads[T][] | undefined;
} & (T extends 'external-call' ? Pick<MessageHead, 'receiver'> : { readonly receiver?: never });

/** A message that a command may send. Its payload has what the worker of its topic needs. */
export type MessageDeclaration<Context, Transition extends string = string> = {
  readonly [T in Topic]: Declared<T, Context, Transition>;
}[Topic];

/** As the engine sees it. */
export type AnyMessage = MessageHead & {
  // oxlint-disable-next-line typescript/no-explicit-any -- each was checked where it was written
  readonly payload: (context: any) => object | readonly object[] | undefined;
};

/** How many messages a command may send. */
export const messagesAtMost = (messages: readonly MessageHead[] = []): number =>
  messages.reduce((sum, { atMost = 1 }) => sum + atMost, 0);

/**
 * The messages that a command sends, in the order of their declarations.
 * @throws (a defect of the definition) where there are more of one than it says
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what else a context holds is the definition's
export function draftsOf<Context extends { readonly after: { readonly status: string } }>(
  messages: readonly AnyMessage[] = [],
  context: Context,
): readonly MessageDraft[] {
  const sent = messages.filter(({ sentIn }) => sentIn?.includes(context.after.status) ?? true);
  return sent.flatMap(({ payload: payloadOf, ...head }) => {
    const made = payloadOf(context) ?? [];
    const payloads: readonly object[] = Array.isArray(made) ? made : [made];
    const { type, atMost = 1 } = head;
    if (payloads.length > atMost)
      throw new Error(
        `"${type}" is sent ${payloads.length} times, and its definition says ${atMost} at most`,
      );
    return payloads.map((payload) => ({ ...head, payload: onTheWire(head, payload) }));
  });
}

/** As the worker of the topic reads it. */
function onTheWire({ topic, type }: MessageHead, payload: object): MessageDraft['payload'] {
  if (topic === 'external-call') return { type, data: payload };
  return topic === 'llm' ? { task: 'summary', ...payload } : { ...payload };
}
