/** Which of its items a posting to a spread account goes to. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { account as limits } from '../../functions/runtime/limits.ts';
import { balanceKeys, balancePlace } from '../../functions/store/keys.ts';

const items = fc.integer({ min: limits.spreadMin, max: limits.spreadMax });
const entry = fc.record({ id: fc.string(), seq: fc.integer({ min: 1, max: 1_000_000 }) });
const meetings = fc.integer({ min: 0, max: 1_000 });

describe('the place of a posting', () => {
  it('is one of the items, and the same whenever it is asked for', () => {
    fc.assert(
      fc.property(items, entry, meetings, (among, of, met) => {
        const place = balancePlace(among, of, met);
        expect(Number.isInteger(place) && place >= 0 && place < among).toBe(true);
        expect(balancePlace(among, { ...of }, met)).toBe(place);
      }),
    );
  });

  it('is another one after the next meeting', () => {
    fc.assert(
      fc.property(items, entry, meetings, (among, of, met) => {
        expect(balancePlace(among, of, met + 1)).not.toBe(balancePlace(among, of, met));
      }),
    );
  });

  it('is the only one there is of an account that is not spread', () => {
    fc.assert(fc.property(entry, meetings, (of, met) => balancePlace(1, of, met) === 0));
  });

  it('is each of them about as often', () => {
    const among = 32;
    const counts = Array.from({ length: among }, () => 0);
    for (let n = 0; n < 32_000; n += 1) {
      const place = balancePlace(among, { id: `pay_${String(n)}`, seq: 2 }, 0);
      counts[place] = (counts[place] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });
});

describe('the items of a spread account', () => {
  it('have partition keys of their own, the first of them that of the account before it was spread', () => {
    const keys = balanceKeys('acme', 'holding:shop:EUR', limits.spreadMax);
    expect(new Set(keys.map(({ pk }) => pk)).size).toBe(limits.spreadMax);
    expect(keys.slice(0, 1)).toEqual(balanceKeys('acme', 'holding:shop:EUR', 1));
  });

  it('are nobody else’s, whatever accounts and tenants are called', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '#', '.', '1', 'balance', ':') });
    const at = fc.tuple(name, name, fc.integer({ min: 0, max: limits.spreadMax - 1 }));
    fc.assert(
      fc.property(at, at, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        const [a, b] = [one, other].map(
          ([tenant, account, place]) => balanceKeys(tenant, account, limits.spreadMax)[place]?.pk,
        );
        expect(a).not.toBe(b);
      }),
    );
  });
});
