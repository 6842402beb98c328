/** What the transition that an answer brings about is told: its input, typed by the receiver (`core/answers.ts`). Pure. */
import type { AnyTransition } from '../core/definition.ts';
import type { Answer, MessageItem } from '../store/outbox/message-items.ts';
import { isUncertain } from '../store/outbox/message-view.ts';

type Input = Readonly<Record<string, unknown>>;

export type AnswerInput =
  | { readonly kind: 'understood'; readonly input: Input }
  /** It is none that the transition was written for. */
  | { readonly kind: 'not_understood'; readonly issues: readonly { path: PropertyKey[]; message: string }[] };

/**
 * The answer itself, which message it is to (`message`), and what was sent with it (`sent`). The transition takes of it
 * what its schema names, and that is what the ledger keeps.
 */
export function answerInput(
  { input }: Pick<AnyTransition, 'input'>,
  message: MessageItem,
  answer: Answer,
): AnswerInput {
  if (input === undefined) return { kind: 'understood', input: {} };
  const checked = input.safeParse({ ...said(message, answer), message: message.id, sent: sentWith(message) });
  return checked.success
    ? { kind: 'understood', input: checked.data }
    : { kind: 'not_understood', issues: checked.error.issues };
}

function said(message: MessageItem, answer: Answer): Input {
  switch (answer.outcome) {
    case 'done':
      return answer.result === undefined ? {} : (JSON.parse(answer.result) as Input);
    case 'refused':
      return { ...answer.refused };
    case 'dead': {
      const { code = '', reason = '' } = answer.lastError ?? {};
      return { code, reason, uncertain: isUncertain(message) };
    }
    default:
      return answer.outcome satisfies never;
  }
}

/** Of a call its data; of the others the whole payload. */
function sentWith({ topic, payload }: MessageItem): unknown {
  if (payload === undefined) return undefined;
  const sent = JSON.parse(payload) as Input;
  return topic === 'external-call' ? sent['data'] : sent;
}
