/** Receiver of `external-call`: a signed HTTP POST, and a signed GET that asks what became of it. */
import { createHash } from 'node:crypto';
import { errors, request } from 'undici';
import type { Dispatcher } from 'undici';
import * as z from 'zod';
import { reportedResult } from '../../core/answers.ts';
import type { Clock } from '../../runtime/clock.ts';
import { message as limits } from '../../runtime/limits.ts';
import { defaultReceiver } from '../../runtime/receivers.ts';
import type { ReceiverSettings } from '../../runtime/receivers.ts';
import { signatureHeaders } from '../../runtime/webhook-signature.ts';
import type { MessageItem } from '../../store/outbox/message-items.ts';
import { externalCallPayload, readPayload } from '../payloads.ts';
import { didNotAct, mayHaveActed, undeliverable } from '../receiver.ts';
import type { Inquire, Inquired, OngoingCall, Received, Receiver } from '../receiver.ts';
import { parseRetryAfter } from '../retry-delay.ts';
import { tellingOfFirstByte } from './first-byte.ts';
import { meaningOf } from './http-statuses.ts';
import { AddressNotAllowed, isAllowedTarget } from './outbound-address.ts';

export interface HttpCallParts {
  /** By the name that the message has for it. */
  readonly settingsOf: (receiver: string) => ReceiverSettings;
  readonly clock: Clock;
  /** Its connections; on AWS one that resolves names with `publicLookup`. */
  readonly dispatcher: Dispatcher;
  /** Whether only public addresses over HTTPS may be called. */
  readonly publicOnly: boolean;
}

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Its beginning. */
  readonly text: string;
}

export function createHttpCallReceiver(parts: HttpCallParts): Receiver {
  return async (message, call) => {
    call.isSent = false;
    const body = bodyOf(message);
    if (body === undefined) return undeliverable('unreadable_message', 'The payload is not one of a call.');
    call.sent = inWords(message, body);
    try {
      const answered = await send(parts, message, call, { method: 'POST', body });
      return answered === undefined ? notAllowed : outcomeOf(answered, parts.clock.now());
    } catch (error) {
      return failureOfCall(error, call);
    }
  };
}

/** `GET <the receiver's URL>?id=<message id>`, signed like a call, with an empty body. */
export function createHttpInquiry(parts: HttpCallParts): Inquire {
  return async (message, call) => {
    call.sent = `GET to ${message.receiver ?? defaultReceiver}`;
    try {
      const answered = await send(parts, message, call, { method: 'GET', body: '' });
      return answered === undefined ? { ...notAllowed, kind: 'no_answer' } : inquiredOf(answered);
    } catch (error) {
      const { code, reason } = cannotBeMade(error) ?? failureOf(error, true);
      return { kind: 'no_answer', code, reason };
    }
  };
}

/** @returns `undefined` where nobody may be called at the receiver's URL */
async function send(
  { settingsOf, clock, dispatcher, publicOnly }: HttpCallParts,
  message: MessageItem,
  call: OngoingCall,
  { method, body }: { readonly method: 'POST' | 'GET'; readonly body: string },
): Promise<Answered | undefined> {
  const { url: given, secrets } = settingsOf(message.receiver ?? defaultReceiver);
  const url = new URL(given);
  if (publicOnly && !isAllowedTarget(url)) return undefined;
  if (method === 'GET') url.searchParams.set('id', message.id);
  const response = await request(url, {
    method,
    ...(method === 'POST' && { body }),
    headers: {
      ...(method === 'POST' && { 'content-type': 'application/json', 'idempotency-key': message.id }),
      // The name under which it is called: its callbacks go to `/callbacks/<name>`.
      'webhook-receiver': message.receiver ?? defaultReceiver,
      ...signatureHeaders(await secrets(), message.id, body, clock.now()),
      ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
    },
    signal: call.signal,
    dispatcher: tellingOfFirstByte(dispatcher, () => {
      call.isSent = true;
    }),
  });
  const text = await beginningOf(response.body);
  return { status: response.statusCode, retryAfter: [response.headers['retry-after']].flat()[0], text };
}

/** What a call of this message sends, as its record has it. */
export function sentByCall(message: MessageItem): string | undefined {
  const body = bodyOf(message);
  return body === undefined ? undefined : inWords(message, body);
}

const inWords = ({ receiver = defaultReceiver }: MessageItem, body: string): string =>
  `POST to ${receiver}, ${Buffer.byteLength(body)} bytes, sha256 ${sha256(body)}`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `seq` tells the receiver which of two messages about one entity is the newer: that one may arrive first. */
function bodyOf(message: MessageItem): string | undefined {
  const payload = readPayload(externalCallPayload, message);
  if (payload === undefined) return undefined;
  return JSON.stringify({
    id: message.id,
    type: payload.type,
    entity: message.entity,
    occurredAt: message.createdAt,
    data: { ...payload.data, seq: message.seq },
  });
}

/** Reads no more than is kept; the connection of a longer answer is given up. */
async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    // One byte more than is kept, so that the cut is seen and said.
    if (bytes > limits.resultMaxBytes) break;
  }
  return Buffer.concat(chunks)
    .subarray(0, limits.resultMaxBytes + 1)
    .toString('utf8');
}

function outcomeOf({ status, retryAfter, text }: Answered, now: number): Received {
  const kind = meaningOf(status);
  if (kind === 'done') return { kind, result: { status, body: text } };
  if (kind === 'accepted') return { kind };
  const failure = { code: String(status), reason: `The receiver answered ${status}.`, answer: text };
  if (kind === 'refused' || kind === 'undeliverable') return { kind, ...failure };
  const retryAfterMs = parseRetryAfter(retryAfter, now);
  return { kind, ...failure, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

const inquiryAnswer = z.object({
  outcome: z.enum(['done', 'refused', 'pending']),
  result: z.json().optional(),
  reason: z.string().optional(),
});

function inquiredOf({ status, text }: Answered): Inquired {
  if (status === 404) return { kind: 'never_seen' };
  const answer = status === 200 ? parsed(text) : undefined;
  if (answer === undefined) {
    return { kind: 'no_answer', code: String(status), reason: `The inquiry was answered ${status}.` };
  }
  switch (answer.outcome) {
    case 'done':
      return { kind: 'done', result: reportedResult('external-call', answer.result) };
    case 'refused':
      return { kind: 'refused', code: 'refused', reason: answer.reason ?? 'The receiver refused.' };
    case 'pending':
      return { kind: 'pending' };
    default:
      return answer.outcome satisfies never;
  }
}

function parsed(text: string): z.output<typeof inquiryAnswer> | undefined {
  try {
    return inquiryAnswer.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const notAllowed = undeliverable('target_not_allowed', 'The target is not a public address over HTTPS.');

type HttpFailure = ReturnType<typeof undeliverable | typeof didNotAct | typeof mayHaveActed>;

const failureOfCall = (error: unknown, { isSent }: OngoingCall): HttpFailure =>
  (isSent ? undefined : cannotBeMade(error)) ?? failureOf(error, isSent);

/** A call that nobody can send, and that would fail at each attempt. */
function cannotBeMade(error: unknown): HttpFailure | undefined {
  if (error instanceof AddressNotAllowed) return notAllowed;
  return error instanceof errors.InvalidArgumentError || error instanceof TypeError
    ? undeliverable('invalid_request', 'No such call can be made.')
    : undefined;
}

/** No whole answer came. Before the first byte the receiver cannot have acted; afterwards nobody knows. */
function failureOf(error: unknown, isSent: boolean): HttpFailure {
  const { code: given } = error as { readonly code?: unknown };
  const code = typeof given === 'string' ? given : 'connection_failed';
  return isSent
    ? mayHaveActed(code, 'The connection ended before the receiver had answered.')
    : didNotAct(code, 'The receiver could not be reached.');
}
