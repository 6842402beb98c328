/** Receiver of `external-call`: a signed HTTP POST. */
import { errors, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../runtime/clock.ts';
import { message as limits } from '../../runtime/limits.ts';
import type { MessageItem } from '../../store/outbox/message-items.ts';
import { parseRetryAfter } from '../retry-delay.ts';
import { externalCallPayload, readPayload } from '../payloads.ts';
import { permanent, retry } from '../receiver.ts';
import type { Received, Receiver } from '../receiver.ts';
import { AddressNotAllowed, isAllowedTarget } from './outbound-address.ts';
import { createSigner } from './webhook-signature.ts';

export interface HttpCallParts {
  readonly url: string;
  /** Asked for each call, so that a rotated secret is used soon. */
  readonly secret: () => Promise<string>;
  readonly clock: Clock;
  /** Its connections; on AWS one that resolves names with `publicLookup`. */
  readonly dispatcher: Dispatcher;
  /** Whether only public addresses over HTTPS may be called. */
  readonly publicOnly: boolean;
}

/** 4xx that ask for another attempt; all other 4xx say that this request will never do. */
const passing = new Set([408, 409, 425, 429]);

export function createHttpCallReceiver(parts: HttpCallParts): Receiver {
  const { url, secret, clock, dispatcher, publicOnly } = parts;
  return async (message, signal) => {
    const body = bodyOf(message);
    if (body === undefined) return permanent('unreadable_message', 'The payload is not one of a call.');
    if (publicOnly && !isAllowedTarget(new URL(url))) return notAllowed;
    const signer = createSigner(await secret());
    const now = new Date(clock.now());
    try {
      const response = await request(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': message.id,
          'webhook-id': message.id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': signer.sign(message.id, now, body),
          ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
        },
        signal,
        dispatcher,
      });
      const answer = await beginningOf(response.body);
      return outcomeOf(response.statusCode, response.headers['retry-after'], answer, clock.now());
    } catch (error) {
      return failureOf(error);
    }
  };
}

/** `seq` tells the receiver which of two messages about one entity is the newer (it may come first). */
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

function outcomeOf(
  status: number,
  retryAfter: string | string[] | undefined,
  answer: string,
  now: number,
): Received {
  if (status >= 200 && status < 300) return { is: 'done', result: { status, body: answer } };
  const failure = { code: String(status), reason: `The receiver answered ${status}.`, answer };
  if (status < 500 && !passing.has(status)) return { is: 'permanent', ...failure };
  const retryAfterMs = parseRetryAfter([retryAfter].flat()[0], now);
  return { is: 'retry', ...failure, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

const notAllowed = permanent('target_not_allowed', 'The target is not a public address over HTTPS.');

function failureOf(error: unknown): Received {
  if (error instanceof AddressNotAllowed) return notAllowed;
  if (error instanceof Error && error.cause instanceof AddressNotAllowed) return notAllowed;
  if (error instanceof errors.InvalidArgumentError)
    return permanent('invalid_request', 'No such call can be made.');
  const code = (error as { readonly code?: unknown }).code;
  return retry(typeof code === 'string' ? code : 'connection_failed', 'The receiver could not be reached.');
}
