/** The messages a command may cause, one builder a topic, so that a payload cannot miss what its worker needs. */
import type { MessageDraft } from './definition.ts';

/** A mail. `to` is an address, or a name that is a mailbox at the sender's own domain. */
export const notification = (
  type: string,
  mail: { readonly to: string; readonly subject: string; readonly text: string },
): MessageDraft => ({ topic: 'notification', type, payload: mail });

/** A mail whose text is for nobody else's eyes: it is removed from the outbox once it is sent. */
export const confidential = (draft: MessageDraft): MessageDraft => ({ ...draft, sensitive: true });

/** A signed POST to the outside. */
export const externalCall = (type: string, data: Readonly<Record<string, unknown>>): MessageDraft => ({
  topic: 'external-call',
  type,
  payload: { type, data },
});

/** A statement of a settlement, as CSV. */
export const report = (
  type: string,
  statement: {
    readonly title: string;
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | number)[])[];
  },
): MessageDraft => ({ topic: 'report', type, payload: statement });

/** A summary by a language model. */
export const summary = (
  type: string,
  about: { readonly title: string; readonly text: string },
): MessageDraft => ({
  topic: 'llm',
  type,
  payload: { task: 'summary', ...about },
});
