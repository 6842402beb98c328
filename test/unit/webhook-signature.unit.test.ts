import { createHmac, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { callback } from '../../functions/runtime/delivery-limits.ts';
import { isSigned, signatureHeaders } from '../../functions/runtime/webhook-signature.ts';

const at = 1_795_169_730_000;
const signature = (key: Buffer): string =>
  `v1,${createHmac('sha256', key).update('msg_1.1795169730.{}').digest('base64')}`;
const secretOf = (key: Buffer): string => `whsec_${key.toString('base64')}`;

describe('a secret', () => {
  const key = randomBytes(24);
  const text = 'not base64: ü!';
  test.each([
    ['with its prefix', secretOf(key), key],
    ['without it', key.toString('base64'), key],
    ['that is no base64', text, Buffer.from(text)],
    ['with a prefix and no base64 after it', 'whsec_?', Buffer.from('whsec_?')],
  ])('%s signs', (_, secret, bytes) => {
    expect(signatureHeaders([secret], 'msg_1', '{}', at)).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1795169730',
      'webhook-signature': signature(bytes),
    });
  });
});

describe('a list of secrets', () => {
  const [first, second, other] = [
    secretOf(randomBytes(24)),
    secretOf(randomBytes(32)),
    secretOf(randomBytes(24)),
  ];
  test('signs with each', () => {
    const now = Date.now();
    const headers = { ...signatureHeaders([first, second], 'msg_1', '{"a":1}', now) };
    for (const secret of [first, second])
      expect(new Webhook(secret).verify('{"a":1}', headers)).toEqual({ a: 1 });
    expect(() => new Webhook(other).verify('{"a":1}', headers)).toThrow();
  });

  test('accepts any', () => {
    for (const secret of [first, second]) {
      expect(isSigned([first, second], signatureHeaders([secret], 'id', 'body', at), 'body', at)).toBe(true);
      expect(isSigned([first, second], signatureHeaders([other, secret], 'id', 'body', at), 'body', at)).toBe(
        true,
      );
    }
    expect(isSigned([first, second], signatureHeaders([other], 'id', 'body', at), 'body', at)).toBe(false);
  });
});

describe('a signature', () => {
  const secret = secretOf(randomBytes(24));
  const headers = signatureHeaders([secret], 'id', 'body', at);
  test.each([
    ['of another body', headers, 'another'],
    ['of another id', { ...headers, 'webhook-id': 'another' }, 'body'],
    ['of another time', { ...headers, 'webhook-timestamp': String(at / 1000 + 1) }, 'body'],
    ['without an id', { ...headers, 'webhook-id': '' }, 'body'],
    ['with a time that is none', { ...headers, 'webhook-timestamp': '1e9' }, 'body'],
    [
      'of another version',
      { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', 'v2') },
      'body',
    ],
    ['that is missing', { 'webhook-id': 'id', 'webhook-timestamp': headers['webhook-timestamp'] }, 'body'],
  ])('%s is none', (_, given, body) => {
    expect(isSigned([secret], given, body, at)).toBe(false);
  });

  test('is taken for five minutes before and after, and no longer', () => {
    const { signatureMaxAgeMs } = callback;
    for (const off of [-signatureMaxAgeMs, 0, signatureMaxAgeMs])
      expect(isSigned([secret], headers, 'body', at + off)).toBe(true);
    for (const off of [-signatureMaxAgeMs - 1, signatureMaxAgeMs + 1])
      expect(isSigned([secret], headers, 'body', at + off)).toBe(false);
  });
});
