import { Webhook } from 'standardwebhooks';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * A signer after https://www.standardwebhooks.com.
 * @param secret base64, with `whsec_` before it or not; any other text is taken byte by byte
 */
export function createSigner(secret: string): Webhook {
  const key = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret;
  return base64.test(key) && key.length > 0
    ? new Webhook(key)
    : new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' });
}
