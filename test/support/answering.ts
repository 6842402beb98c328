/** Receivers as a test needs them: they say what a message's answer is to be, as a callback would. */
import { createAnswers } from '../../functions/commands/answers.ts';
import type { Answered } from '../../functions/commands/answers.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import { keepDeadEnd } from '../../functions/store/outbox/answers.ts';
import type { Answer, AnswerOutcome, MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { claimMessage, readMessage, recordDead } from '../../functions/store/outbox/messages.ts';
import type { TestBackend } from './backend.ts';
import { dump } from './table-dump.ts';

/** What each topic's receiver answers, as a worker keeps it. */
const results: Readonly<Record<Topic, object>> = {
  'external-call': { status: 200, body: '{"reference":"ch_1"}' },
  notification: { messageId: '<1@example.com>', response: '250 OK' },
  report: { bucket: 'reports', key: 'a/b.csv', rows: 1 },
  llm: { text: 'It works, every time.', inputTokens: 3, outputTokens: 5 },
};

const outboxOf = ({ backend: { store, clock } }: TestBackend): OutboxAccess => ({
  client: store.client,
  table: store.tables.outbox,
  clock,
});

/** Messages of an entity, or of all, that wait for an answer which moves their entity. */
export async function unanswered(api: TestBackend, tenant: string, entity?: string): Promise<MessageItem[]> {
  const items = [...(await dump(api.backend.store)).values()] as unknown as MessageItem[];
  return items
    .filter(({ answers, status, ...item }) => {
      const isOf = item.tenant === tenant && (entity === undefined || item.entity === entity);
      return isOf && answers !== undefined && status !== 'done' && item.answer === undefined;
    })
    .sort((a, b) => (a.sk < b.sk ? -1 : 1));
}

/** Answers a message, and moves its entity. */
export async function answer(
  api: TestBackend,
  item: MessageItem,
  outcome: AnswerOutcome = 'done',
  said: Partial<Pick<Answer, 'result' | 'refused'>> = {},
): Promise<Answered> {
  const { carryOut, answer: take } = createAnswers(api.backend, outboxOf(api));
  const base = { by: `receiver:${item.topic}`, at: timestamp(api.backend.clock.now()) };
  switch (outcome) {
    case 'done':
      return take(item, {
        answer: { ...base, outcome, result: JSON.stringify(results[item.topic]), ...said },
        from: 'worker',
      });
    case 'refused':
      return take(item, {
        answer: { ...base, outcome, refused: { code: '402', reason: 'The receiver answered 402.' }, ...said },
        from: 'worker',
      });
    case 'dead': {
      const delivery = { ...item, copy: 'copy', sqsMessageId: 'one', wasDeadLetter: false };
      const claim = await claimMessage(outboxOf(api), delivery, { attempts: 1, leaseMs: 1_000 });
      if (claim.kind !== 'claimed') throw new Error(`the message is ${claim.kind}`);
      const lastError = { code: '503', reason: 'The receiver answered 503.', at: base.at };
      const end = { calls: [], isCertain: true };
      const kept = await keepDeadEnd(outboxOf(api), claim, { ...base, outcome, lastError }, end);
      if (kept === undefined) throw new Error('the message was answered');
      return carryOut(kept);
    }
    default:
      return outcome satisfies never;
  }
}

/** Answers everything with yes, until nothing that follows waits any more. */
export async function answerAll(api: TestBackend, tenant: string): Promise<void> {
  for (;;) {
    const [next] = (await unanswered(api, tenant)).filter(({ answers }) => answers?.done !== undefined);
    if (next === undefined) return;
    const answered = await answer(api, next);
    if (answered.kind !== 'ended') throw new Error(`${next.id} could not be answered: ${answered.kind}`);
  }
}

export const messageNow = (api: TestBackend, item: MessageItem): Promise<MessageItem | undefined> =>
  readMessage(outboxOf(api), item);

/** Has a message die, whatever it is. */
export async function bury(api: TestBackend, item: MessageItem): Promise<void> {
  const outbox = outboxOf(api);
  const delivered = { ...item, copy: 'copy', sqsMessageId: 'one', wasDeadLetter: false };
  const claim = await claimMessage(outbox, delivered, { attempts: 1, leaseMs: 1_000 });
  if (claim.kind !== 'claimed') throw new Error(`the message is ${claim.kind}`);
  const lastError = { code: '503', reason: 'The receiver answered 503.', at: item.createdAt };
  await recordDead(outbox, claim, { lastError, calls: [], delivered, isCertain: true });
}
