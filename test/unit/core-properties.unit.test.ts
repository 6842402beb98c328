/** Properties of the parts that decisions are made of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryHash, genesisHash, sealed } from '../../functions/core/ledger.ts';
import type { LedgerEntry } from '../../functions/core/ledger.ts';
import { balanceRules } from '../../functions/core/movements.ts';
import { assertBalanced, named, net, own, transfer } from '../../functions/core/postings.ts';
import { atLeast, fingerprint, holds, is } from '../../functions/core/rules.ts';
import type { Test } from '../../functions/core/rules.ts';

const contains = (path: string, value: string): Test => ({ op: 'contains', path, value });
const lacks = (path: string, value: string): Test => ({ op: 'lacks', path, value });
const missing = (path: string): Test => ({ op: 'missing', path });
const secret = (path: string, value: string): Test => ({ op: 'secret', path, value: fingerprint(value) });

import * as fields from '../../functions/core/fields.ts';
import { balanceMax } from '../../functions/runtime/limits.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const draft = fc.record<Omit<LedgerEntry, 'hash'>>({
  seq: fc.nat(),
  command: text,
  from: fc.option(text),
  to: text,
  actor: text,
  at: text,
  data: fc.dictionary(text, fc.jsonValue()),
  changes: fc.dictionary(text, fc.jsonValue()),
  postings: fc.array(fc.record({ account: text, unit: text, amount: fc.integer() }), { maxLength: 3 }),
  previousHash: fc.constant(genesisHash),
});

describe('the hash of an entry', () => {
  it('is the same after the entry was stored as JSON and read, whatever the order of its keys', () => {
    fc.assert(
      fc.property(draft, (entry) => {
        const stored = JSON.parse(JSON.stringify(entry)) as typeof entry;
        const turned = Object.fromEntries(Object.entries(stored).reverse()) as unknown as typeof entry;
        expect(entryHash('acme', 'id', turned)).toBe(sealed('acme', 'id', entry).hash);
      }),
    );
  });

  it('changes with each part, with the tenant and with the entity', () => {
    fc.assert(
      fc.property(draft, draft, (one, other) => {
        const hash = entryHash('acme', 'id', one);
        expect(entryHash('other', 'id', one)).not.toBe(hash);
        expect(entryHash('acme', 'other', one)).not.toBe(hash);
        for (const part of Object.keys(one) as (keyof typeof one)[]) {
          const changed = { ...one, [part]: other[part] };
          const isSame = JSON.stringify(one[part]) === JSON.stringify(other[part]);
          if (!isSame && !isReordered(one[part], other[part])) {
            expect(entryHash('acme', 'id', changed), part).not.toBe(hash);
          }
        }
      }),
    );
  });
});

/** Objects whose keys only stand in another order have one canonical form. */
const isReordered = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
      : part,
  );

describe('postings', () => {
  const accounts = fc.constantFrom('a', 'b', 'c');

  it('of moves always balance, and net to what each account gained', () => {
    const moves = fc.array(fc.tuple(accounts, accounts, fc.integer({ min: 1, max: 1_000 })), {
      maxLength: 9,
    });
    fc.assert(
      fc.property(moves, (all) => {
        const movements = all.flatMap(([from, to, amount]) => transfer(own(from), own(to), amount));
        const postings = movements.map(({ account, amount }) => ({
          account: 'own' in account ? account.own : 'name' in account ? account.name : account.key,
          unit: 'x',
          amount,
        }));
        expect(() => {
          assertBalanced(postings);
        }).not.toThrow();
        const netted = net(
          postings.map(({ account, amount }) => ({ target: account, amount })),
          (name) => name,
        );
        for (const { target, amount } of netted) {
          const sum = postings
            .filter(({ account }) => account === target)
            .reduce((total, each) => total + each.amount, 0);
          expect(amount).toBe(sum);
          expect(amount).not.toBe(0);
        }
        expect(new Set(netted.map(({ target }) => target)).size).toBe(netted.length);
      }),
    );
  });

  it('of two units have to balance in each', () => {
    const euros = { account: 'a', unit: 'EUR', amount: 1 };
    const dollars = { account: 'b', unit: 'USD', amount: -1 };
    expect(() => {
      assertBalanced([euros, dollars]);
    }).toThrow();
  });

  it('name an account so that no party can pass for another', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other);
        expect(named('holding', one, 'EUR').name).not.toBe(named('holding', other, 'EUR').name);
      }),
    );
  });
});

describe('a balance', () => {
  it('never leaves its floor or the exact integers, and is not held back before', () => {
    const floor = { minimum: 0, code: 'short', otherwise: '' };
    const amount = fc.integer({ min: -balanceMax, max: balanceMax }).filter((value) => value !== 0);
    fc.assert(
      fc.property(fc.maxSafeInteger(), amount, fc.boolean(), (balance, delta, hasFloor) => {
        fc.pre(!hasFloor || balance >= 0);
        const [rule] = balanceRules('balance', delta, hasFloor ? floor : undefined);
        const after = BigInt(balance) + BigInt(delta);
        const lowest = hasFloor && delta < 0 ? 0n : -BigInt(balanceMax);
        const isFine = after >= lowest && after <= BigInt(balanceMax);
        expect(rule && holds(rule.test, () => balance)).toBe(isFine);
      }),
    );
  });
});

describe('a rule', () => {
  it('says of what is not there what a database says', () => {
    const nothing = (): undefined => undefined;
    expect(holds(is('x', 0), nothing)).toBe(false);
    expect(holds(atLeast('x', 0), nothing)).toBe(false);
    expect(holds(contains('x', 'a'), nothing)).toBe(false);
    expect(holds(lacks('x', 'a'), nothing)).toBe(true);
    expect(holds(missing('x'), nothing)).toBe(true);
    expect(holds(secret('x', ''), nothing)).toBe(false);
  });

  it('knows a secret by its fingerprint alone', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (kept, given) => {
        expect(holds(secret('code', given), () => fingerprint(kept))).toBe(kept === given);
        expect(JSON.stringify(secret('code', `secret-${given}`))).not.toContain(`secret-${given}`);
      }),
    );
  });
});

describe('a field', () => {
  it('counts characters as code points and takes no control characters', () => {
    const field = fields.text('x', 3);
    for (const good of ['a', '😀😀😀', 'e\u0301', '\u00a0'])
      expect(field.safeParse(good).success, good).toBe(true);
    for (const bad of ['', 'abcd', '😀😀😀😀', 'a\n', '\u007f', '\u0085', '\ud83d', 1, null]) {
      expect(field.safeParse(bad).success, String(bad)).toBe(false);
    }
    expect(fields.prose('x').safeParse('a\r\nb').success).toBe(true);
    expect(fields.prose('x').safeParse('a\tb').success).toBe(false);
    expect(fields.prose('x').safeParse('a\u000b').success).toBe(false);
  });

  it.each([
    ['a currency', fields.currency(), ['EUR', 'JPY'], ['eur', 'EURO', 'ABC', '', 'E€R']],
    [
      'an amount',
      fields.amount(),
      [1, 1e12],
      [0, -1, 1e12 + 1, 1.5, '1', Number.NaN, Number.POSITIVE_INFINITY],
    ],
    [
      'an e-mail address',
      fields.email(),
      ['a@b.co', 'A.B+c@x-y.example'],
      ['a', 'a@', '@b.co', 'a b@c.co', 'a@b.co\n'],
    ],
    [
      'a moment',
      fields.moment(),
      ['2026-01-01T00:00:00.000Z'],
      ['2026-01-01', '2026-01-01T00:00:00+01:00', '2026-13-01T00:00:00Z', 'now', ''],
    ],
    [
      'a reference',
      fields.reference('payments', 'pay'),
      ['pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC'],
      [
        'pay_01jd2x5t9zk4m8q7w6v5b3n2hc',
        'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC',
        'pay_',
        'pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC\n',
      ],
    ],
    [
      'a list',
      fields.list(fields.text('a'), 1, 2, ['a']),
      [['a'], ['a', 'b']],
      [[], ['a', 'a'], ['a', 'b', 'c'], 'a'],
    ],
  ])('that is %s knows its own', (_name, field, good, bad) => {
    for (const value of good) expect(field.safeParse(value).success, JSON.stringify(value)).toBe(true);
    for (const value of bad) expect(field.safeParse(value).success, JSON.stringify(value)).toBe(false);
  });

  it('that is a moment holds one text for it, however it was written', () => {
    const written = ['2026-01-01T12:00:00Z', '2026-01-01T12:00:00.0Z', '2026-01-01T12:00:00.000999Z'];
    expect(new Set(written.map((text) => fields.moment().parse(text)))).toEqual(
      new Set(['2026-01-01T12:00:00.000Z']),
    );
    expect(fields.moment().parse('2026-01-01T12:00:00.999Z')).toBe('2026-01-01T12:00:00.999Z');
  });
});
