/** Receivers as a test needs them: they say what a message's answer is to be, as a callback would. */
import { QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import type { Answered } from '../../functions/commands/carry-out-answer.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import { keepDeadEnd } from '../../functions/store/outbox/kept-answers.ts';
import { messagePartition } from '../../functions/store/outbox/message-items.ts';
import type { Answer, AnswerOutcome, MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { claimMessage, readMessage, recordDead } from '../../functions/store/outbox/messages.ts';
import type { Store } from '../../functions/store/store.ts';
import type { TestBackend } from './backend.ts';

/** What each topic's receiver gives back. */
export const results: Readonly<Record<Topic, Readonly<Record<string, unknown>>>> = {
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

/** Those of a tenant that are told what their answers bring about: the table may be shared by many tenants. */
async function answerable({ backend: { store } }: TestBackend, tenant: string): Promise<MessageItem[]> {
  const items: MessageItem[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new ScanCommand({
        TableName: store.tables.outbox,
        ConsistentRead: true,
        FilterExpression: 'tenant = :tenant AND attribute_exists(answers)',
        ExpressionAttributeValues: { ':tenant': tenant },
        ExclusiveStartKey: from,
      }),
    );
    items.push(...((page.Items ?? []) as MessageItem[]));
    from = page.LastEvaluatedKey;
  } while (from);
  return items;
}

/** All messages of an entity. */
export async function messagesOf(
  { client, tables }: Store,
  tenant: string,
  entity: string,
): Promise<MessageItem[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: tables.outbox,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': messagePartition(tenant, entity) },
    }),
  );
  return Items as MessageItem[];
}

/** Messages of an entity, or of all, that wait for an answer which moves their entity. */
export async function unanswered(api: TestBackend, tenant: string, entity?: string): Promise<MessageItem[]> {
  const { store } = api.backend;
  const items =
    entity === undefined ? await answerable(api, tenant) : await messagesOf(store, tenant, entity);
  return items
    .filter(
      ({ answers, status, answer: taken }) =>
        answers !== undefined && status !== 'done' && taken === undefined,
    )
    .sort((a, b) => (a.sk < b.sk ? -1 : 1));
}

type Said = Partial<Pick<Answer, 'result' | 'refused'>>;

/** What a receiver answers to a message, or the worker that gave it up, as the message keeps it. */
export function answerTo<Outcome extends AnswerOutcome>(
  { topic }: MessageItem,
  outcome: Outcome,
  at: string,
  said: Said = {},
): Answer & { readonly outcome: Outcome } {
  const byOutcome: Readonly<Record<AnswerOutcome, Partial<Answer>>> = {
    done: { result: JSON.stringify(results[topic]) },
    refused: { refused: { code: '402', reason: 'The receiver answered 402.' } },
    dead: { lastError: { code: '503', reason: 'The receiver answered 503.', at } },
  };
  return { by: `receiver:${topic}`, at, outcome, ...byOutcome[outcome], ...said };
}

/** Answers a message, and moves its entity. */
export async function answer(
  api: TestBackend,
  item: MessageItem,
  outcome: AnswerOutcome = 'done',
  said: Said = {},
): Promise<Answered> {
  const { carryOut, answer: take } = createAnswers(api.backend, outboxOf(api));
  const at = timestamp(api.backend.clock.now());
  if (outcome !== 'dead') return take(item, { answer: answerTo(item, outcome, at, said), from: 'worker' });
  const delivery = { ...item, copy: 'copy', sqsMessageId: 'one', wasDeadLetter: false };
  const claim = await claimMessage(outboxOf(api), delivery, { attempts: 1, leaseMs: 1_000 });
  if (claim.kind !== 'claimed') throw new Error(`the message is ${claim.kind}`);
  const end = { calls: [], isCertain: true };
  const kept = await keepDeadEnd(outboxOf(api), claim, answerTo(item, outcome, at), end);
  if (kept === undefined) throw new Error('the message was answered');
  return carryOut(kept);
}

/** Answers a message with yes. On a busy machine its entity is tried again until it has moved, as a worker does. */
export async function answerWhole(api: TestBackend, item: MessageItem): Promise<void> {
  const { carryOut } = createAnswers(api.backend, outboxOf(api));
  let { kind } = await answer(api, item);
  while (kind === 'waits') ({ kind } = await carryOut((await messageNow(api, item)) ?? item));
  if (kind !== 'ended') throw new Error(`${item.id} could not be answered: ${kind}`);
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
