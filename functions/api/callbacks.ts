/** What receivers tell by themselves: `POST /callbacks/{receiver}`, without a token, signed with the receiver's secret. */
import type { Context } from 'hono';
import { canonicalize } from 'json-canonicalize';
import * as z from 'zod';
import { createAnswers } from '../commands/carry-out-answer.ts';
import type { Backend } from '../commands/backend.ts';
import { reportedResult } from '../core/answers.ts';
import { boundedResult } from '../runtime/bounded-result.ts';
import { timestamp } from '../runtime/clock.ts';
import { startDeadline } from '../runtime/deadline.ts';
import { message as messageLimits, request as limits } from '../runtime/limits.ts';
import { defaultReceiver, receiverName } from '../runtime/receivers.ts';
import type { ReceiverSettings } from '../runtime/receivers.ts';
import { isSigned } from '../runtime/webhook-signature.ts';
import type { Log } from '../runtime/logger.ts';
import { outcomeSaid, tenantOf } from '../store/outbox/kept-answers.ts';
import type { Answer, MessageItem } from '../store/outbox/message-items.ts';
import { readMessage } from '../store/outbox/messages.ts';
import type { Environment } from './bindings.ts';
import { problemOf, ProblemError } from './problem.ts';
import { readBody } from './request-body.ts';
import * as rejections from '../core/rejections.ts';

export const callbackBody = z.strictObject({
  id: z
    .string()
    .max(256)
    .meta({ description: 'Id of the message.', examples: ['msg_pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC_2_0'] }),
  outcome: z.enum(['done', 'refused']).meta({ examples: ['done'] }),
  result: z.json().optional().meta({ description: 'Of `done`: what the receiver made of it.' }),
  reason: z.string().max(2_000).optional().meta({ description: 'Of `refused`: why.' }),
});

export interface CallbackParts {
  readonly backend: Backend;
  readonly log: Log;
  /** By the name in the path. */
  readonly settingsOf: (receiver: string) => ReceiverSettings;
}

/**
 * Takes an answer. It is kept at once; if its entity is busy, a worker moves it later. Said again it changes nothing.
 * @throws ProblemError 401 for a bad signature, 404 for a message that was never sent to this receiver, 409 where
 *   another answer was taken before
 */
export async function takeCallback(
  c: Context<Environment>,
  { backend, log, settingsOf }: CallbackParts,
): Promise<Response> {
  const { headers, bytes } = c.env.event;
  const receiver = c.req.param('receiver') ?? '';
  // A body that is too large is refused as such, before it is hashed.
  const isTooLarge = bytes.length > limits.bodyMaxBytes;
  if (!isTooLarge && !(await isFrom(receiver, { headers, bytes, settingsOf, now: backend.clock.now() })))
    throw badSignature;
  const { input } = readBody(bytes, headers, callbackBody);
  const said = input as z.output<typeof callbackBody>;

  const { store, clock } = backend;
  const deadline = startDeadline(clock);
  const outbox = { client: store.client, table: store.tables.outbox, clock, deadline };
  const tenant = await tenantOf(outbox, said.id);
  const item = tenant === undefined ? undefined : await readMessage(outbox, { tenant, id: said.id });
  if (item === undefined || (item.receiver ?? defaultReceiver) !== receiver)
    throw new ProblemError(problemOf(rejections.notFound));

  const answer = answerSaid(said, timestamp(clock.now()));
  const answered = await createAnswers(backend, outbox).answer(item, { answer, from: 'callback' });
  switch (answered.kind) {
    case 'ended':
    case 'waits':
      // It is a repetition all the same: to refuse it would have the receiver send it for ever. What it says may be
      // personal, so it is not logged.
      if (hasAnotherResult(item, answer))
        log.warn('the same answer with another result', {
          requestId: c.env.requestContext.requestId,
          tenant,
          messageId: item.id,
        });
      return Response.json({ id: item.id, outcome: said.outcome });
    case 'conflict':
      backend.metrics?.add('AnswerConflicts', 1);
      log.error('another answer was taken before', {
        requestId: c.env.requestContext.requestId,
        tenant,
        messageId: item.id,
        said: said.outcome,
        taken: outcomeSaid(answered.item),
      });
      throw new ProblemError(answerConflict);
    case 'not_found':
      throw new ProblemError(problemOf(rejections.notFound));
    default:
      return answered satisfies never;
  }
}

function answerSaid(
  { outcome, result, reason }: z.output<typeof callbackBody>,
  at: string,
): Answer & { readonly outcome: 'done' | 'refused' } {
  const said = { by: 'receiver:external-call', at };
  if (outcome === 'refused')
    return { ...said, outcome, refused: { code: 'refused', reason: reason ?? 'The receiver refused.' } };
  const kept = boundedResult(reportedResult('external-call', result), messageLimits.resultMaxBytes);
  return { ...said, outcome, result: kept };
}

/** JSON: what the message's receiver gave back with its answer so far. */
const resultOf = ({ result, answer }: MessageItem): string | undefined => result ?? answer?.result;

/** Whether a yes that is repeated says something else than the one that was taken. The first one counts. */
function hasAnotherResult(item: MessageItem, { outcome, result }: Answer): boolean {
  if (outcomeSaid(item) !== 'done' || outcome !== 'done') return false;
  const [before, now] = [textOf(resultOf(item)), textOf(result)];
  return before !== undefined && now !== undefined && before !== now;
}

/** What a result tells, however its JSON is written; `undefined` where it tells nothing. */
function textOf(result: string | undefined): string | undefined {
  const { body = '' } = JSON.parse(result ?? '{}') as { readonly body?: string };
  if (body === '') return undefined;
  try {
    return canonicalize(JSON.parse(body));
  } catch {
    return body;
  }
}

interface Signed {
  readonly headers: Environment['Bindings']['event']['headers'];
  readonly bytes: Uint8Array;
  readonly settingsOf: CallbackParts['settingsOf'];
  readonly now: number;
}

async function isFrom(receiver: string, { headers, bytes, settingsOf, now }: Signed): Promise<boolean> {
  if (!receiverName.safeParse(receiver).success) return false;
  const secrets = await settingsOf(receiver).secrets();
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
  const given = {
    ...(id !== undefined && { 'webhook-id': id }),
    ...(at !== undefined && { 'webhook-timestamp': at }),
    ...(signature !== undefined && { 'webhook-signature': signature }),
  };
  return isSigned(secrets, given, new TextDecoder().decode(bytes), now);
}

const badSignature = new ProblemError({
  status: 401,
  code: 'bad_signature',
  detail: 'The signature is not one of this receiver, or is older than five minutes.',
});

export const answerConflict = {
  status: 409,
  code: 'answer_conflict',
  detail: 'Another answer to this message was taken before. The first one counts.',
} as const;
