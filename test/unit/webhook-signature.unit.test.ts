import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSigner } from '../../functions/workers/receivers/webhook-signature.ts';

const at = new Date(1_795_169_730_000);
const signature = (key: Buffer): string =>
  `v1,${createHmac('sha256', key).update('msg_1.1795169730.{}').digest('base64')}`;

describe('a secret', () => {
  const key = randomBytes(24);
  const text = 'not base64: ü!';
  test.each([
    ['with its prefix', `whsec_${key.toString('base64')}`, key],
    ['without it', key.toString('base64'), key],
    ['that is no base64', text, Buffer.from(text)],
    ['with a prefix and no base64 after it', 'whsec_?', Buffer.from('whsec_?')],
  ])('%s signs', (_, secret, bytes) => {
    expect(createSigner(secret).sign('msg_1', at, '{}')).toBe(signature(bytes));
  });
});
