/** Signatures after https://www.standardwebhooks.com: of our calls, and of the callbacks that we get. */
import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { callback as limits } from './delivery-limits.ts';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @param secret base64, with `whsec_` before it or not; any other text is taken byte by byte */
function signerOf(secret: string): Webhook {
  const key = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret;
  return base64.test(key) && key.length > 0
    ? new Webhook(key)
    : new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' });
}

/** What the headers say of a request. */
export interface SignatureHeaders {
  readonly 'webhook-id': string;
  /** Epoch seconds. */
  readonly 'webhook-timestamp': string;
  /** One for each secret, with spaces between. */
  readonly 'webhook-signature': string;
}

/** @param now epoch milliseconds */
export function signatureHeaders(
  secrets: readonly string[],
  id: string,
  body: string,
  now: number,
): SignatureHeaders {
  const at = new Date(now);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map((secret) => signerOf(secret).sign(id, at, body)).join(' '),
  };
}

/**
 * Whether a request was signed with one of the secrets, and not long ago.
 * @param now epoch milliseconds
 */
export function isSigned(
  secrets: readonly string[],
  headers: Partial<SignatureHeaders>,
  body: string,
  now: number,
): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp = '', 'webhook-signature': given = '' } = headers;
  if (id === undefined || id === '' || !/^\d{1,12}$/.test(timestamp)) return false;
  const at = Number(timestamp) * 1000;
  if (Math.abs(now - at) > limits.signatureMaxAgeMs) return false;
  const expected = secrets.map((secret) => Buffer.from(signerOf(secret).sign(id, new Date(at), body)));
  return given
    .split(' ')
    .map((signature) => Buffer.from(signature))
    .some((signature) =>
      expected.some((own) => own.length === signature.length && timingSafeEqual(own, signature)),
    );
}
