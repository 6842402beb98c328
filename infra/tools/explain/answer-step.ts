/** What a receiver says of a message, before a case is measured: the example of the transition that it brings about. */
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { timestamp } from '../../../functions/runtime/clock.ts';
import { exampleBody } from '../../../functions/core/examples.ts';
import { listEntityMessages } from '../../../functions/store/outbox/message-lists.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { Workbench } from './workbench.ts';

export interface AnsweredMessage {
  readonly tenant: string;
  readonly entity: string;
  /** E.g. `payment.capture`. */
  readonly type: string;
}

/** @throws where no message of this type waits for an answer */
export async function openMessage(
  { outbox }: Workbench,
  { tenant, entity, type }: AnsweredMessage,
): Promise<MessageItem> {
  const { items } = await listEntityMessages(outbox, { tenant, entityId: entity, limit: 100 });
  const item = items.find((message) => message.type === type && isOpen(message));
  if (!item) throw new Error(`no ${type} of ${entity} waits for an answer`);
  return item;
}

/** @throws where no message of this type waits for an answer, or its answer does not move the entity */
export async function answerMessage(
  bench: Workbench,
  message: AnsweredMessage,
  outcome: 'done' | 'refused',
): Promise<void> {
  const { backend, outbox } = bench;
  const { clock, registry } = backend;
  const item = await openMessage(bench, message);
  const input = registry.byCollection(item.collection).transitions[item.answers?.[outcome] ?? '']?.input;
  const { code = '402', reason = 'no', ...said } = input ? exampleBody(input) : {};
  const at = timestamp(clock.now());
  const by = `receiver:${item.topic}`;
  const { kind } = await createAnswers(backend, outbox).answer(item, {
    answer:
      outcome === 'done'
        ? { outcome, by, at, result: JSON.stringify(said) }
        : { outcome, by, at, refused: { code: String(code), reason: String(reason) } },
    from: 'worker',
  });
  if (kind !== 'ended') throw new Error(`${item.id} could not be answered: ${kind}`);
}

const isOpen = ({ status, answer }: MessageItem): boolean => status !== 'done' && answer === undefined;
