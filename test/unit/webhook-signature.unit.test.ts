import { createHmac, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { callback } from '../../functions/runtime/delivery-limits.ts';
import { isSigned, signatureHeaders } from '../../functions/runtime/webhook-signature.ts';
import type { SignatureHeaders } from '../../functions/runtime/webhook-signature.ts';

const at = 1_795_169_730_000;
const signature = (key: Buffer): string =>
  `v1,${createHmac('sha256', key).update('msg_1.1795169730.{}').digest('base64')}`;
const secretOf = (key: Buffer): string => `whsec_${key.toString('base64')}`;

describe('a secret', () => {
  const [key, long, longer] = [randomBytes(24), randomBytes(25), randomBytes(26)];
  const text = 'not base64: ü!';
  test.each([
    ['with its prefix', secretOf(key), key],
    ['without it', key.toString('base64'), key],
    ['that is no base64', text, Buffer.from(text)],
    ['with a prefix and no base64 after it', 'whsec_?', Buffer.from('whsec_?')],
    ['with a prefix and nothing after it', 'whsec_', Buffer.from('whsec_')],
    ['that reads like base64 and has another length', 'abcde', Buffer.from('abcde')],
    ['with two places left at its end', secretOf(long), long],
    ['with one place left at its end', secretOf(longer), longer],
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
  const signed = (id = 'id') => ({ ...signatureHeaders([secret], id, 'body', at) });
  type Given = Partial<SignatureHeaders>;
  const without = (name: keyof SignatureHeaders, headers: Given = signed()): Given =>
    Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));

  test.each<[string, () => Given, string]>([
    ['of another body', signed, 'another'],
    ['of another id', () => ({ ...signed(), 'webhook-id': 'another' }), 'body'],
    ['of another time', () => ({ ...signed(), 'webhook-timestamp': String(at / 1000 + 1) }), 'body'],
    ['of an empty id', () => signed(''), 'body'],
    ['without an id', () => without('webhook-id', signed('undefined')), 'body'],
    ['without a time', () => without('webhook-timestamp'), 'body'],
    ['with a time that is none', () => ({ ...signed(), 'webhook-timestamp': '1e9' }), 'body'],
    [
      'of another version',
      () => ({ ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1', 'v2') }),
      'body',
    ],
    ['that is missing', () => without('webhook-signature'), 'body'],
  ])('%s is none', (_, given, body) => {
    expect(isSigned([secret], given(), body, at)).toBe(false);
  });

  test.each(['+1795169730', ' 1795169730', '1795169730.0', '1795169730 '])(
    'of the time %j is none, though it is that number',
    (timestamp) => {
      expect(isSigned([secret], { ...signed(), 'webhook-timestamp': timestamp }, 'body', at)).toBe(false);
      expect(isSigned([secret], signed(), 'body', at)).toBe(true);
    },
  );

  test('is taken for five minutes before and after, and no longer', () => {
    const { signatureMaxAgeMs } = callback;
    for (const off of [-signatureMaxAgeMs, 0, signatureMaxAgeMs])
      expect(isSigned([secret], signed(), 'body', at + off)).toBe(true);
    for (const off of [-signatureMaxAgeMs - 1, signatureMaxAgeMs + 1])
      expect(isSigned([secret], signed(), 'body', at + off)).toBe(false);
  });
});
