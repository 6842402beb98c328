import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mailboxOf, senderDomainOf } from '../../functions/workers/receivers/mailbox.ts';
import { anyCharacter } from '../support/characters.ts';

describe('the mailbox of', () => {
  test.each([
    ['alice', 'alice@example.com'],
    ['Alice B.', 'Alice=20B=2E@example.com'],
    ['jörg', 'j=C3=B6rg@example.com'],
    ['a=b', 'a=3Db@example.com'],
    ['a\nb', 'a=0Ab@example.com'],
    ['auth0|1234', 'auth0|1234@example.com'],
    ['alice@elsewhere.example', 'alice@elsewhere.example'],
    ['jörg@exämple.de', 'jörg@exämple.de'],
    ['a@b, c@d', undefined],
    ['a@b,c@d', undefined],
    ['Eve <eve@elsewhere.example>', undefined],
    ['a@b@c', undefined],
    ['@', undefined],
    ['a\r\nBcc: b@c', undefined],
  ])('%j is %j', (to, expected) => {
    expect(mailboxOf(to, 'example.com')).toBe(expected);
  });

  test('two names is never one', () => {
    const name = fc.string({ unit: anyCharacter, minLength: 1 }).filter((text) => !text.includes('@'));
    fc.assert(
      fc.property(name, name, (one, other) => {
        fc.pre(one !== other);
        expect(mailboxOf(one, 'example.com')).not.toBe(mailboxOf(other, 'example.com'));
      }),
    );
  });
});

test.each([
  ['noreply@example.com', 'example.com'],
  ['Commit Once <noreply@mail.example.com>', 'mail.example.com'],
  ['Commit Once: noreply@example.com;', 'example.com'],
])('the domain of %s is %s', (from, domain) => {
  expect(senderDomainOf(from)).toBe(domain);
});

test.each(['Commit Once', '', 'noreply@'])('a sender without an address is refused: %j', (from) => {
  expect(() => senderDomainOf(from)).toThrow(/MAIL_FROM/);
});
