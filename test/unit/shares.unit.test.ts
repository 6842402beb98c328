/** How an account of an entity is laid into several items, and to which of them a posting goes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpreadMemory } from '../../functions/commands/spread-memory.ts';
import { decide } from '../../functions/core/decide.ts';
import type { Decision } from '../../functions/core/decision.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { UnreadChange } from '../../functions/core/movements.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { gathered, levelled, placed, spreadingOf, withAmpleShares } from '../../functions/core/shares.ts';
import type { Placed, Spreading } from '../../functions/core/shares.ts';
import { domains } from '../../functions/domains/index.ts';
import { field } from '../../functions/runtime/limits.ts';
import { lacking } from '../support/changing-domain.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const floors = fc.integer({ min: -50, max: 0 }).map((minimum) => ({ minimum, code: 'short', otherwise: '' }));
/** What items may hold: the first down to the floor, the others nothing at least. */
const laid = floors.chain((floor) =>
  fc
    .tuple(
      fc.integer({ min: floor.minimum, max: 1_000 }),
      fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 31 }),
    )
    .map(([first, others]) => ({ floor, held: [first, ...others] })),
);

describe('what is laid into several items', () => {
  it('is as much as before, none below its floor, with as much room in each', () => {
    fc.assert(
      fc.property(laid, fc.integer({ min: 2, max: 32 }), ({ floor, held }, items) => {
        const wanted = levelled(held, Math.max(items, held.length), floor);
        if (!wanted) return;
        expect(sum(wanted)).toBe(sum(held));
        const rooms = wanted.map((each, place) => each - (place === 0 ? floor.minimum : 0));
        expect(Math.min(...rooms)).toBeGreaterThan(0);
        expect(Math.max(...rooms) - Math.min(...rooms)).toBeLessThanOrEqual(1);
        expect(levelled(wanted, wanted.length, floor)).toBeUndefined();
      }),
    );
  });

  it('is left as it is where there is not one for each, or none has twice its part', () => {
    const floor = { minimum: 0, code: 'short', otherwise: '' };
    expect(levelled([3], 4, floor)).toBeUndefined();
    expect(levelled([4], 4, floor)).toEqual([1, 1, 1, 1]);
    expect(levelled([21, 7, 7, 7], 4, floor)).toBeUndefined();
    expect(levelled([22, 7, 7, 6], 4, floor)).toEqual([11, 11, 10, 10]);
  });

  it('begins empty where there is no floor, and needs no levelling then', () => {
    expect(levelled([70], 3, undefined)).toEqual([70, 0, 0]);
    expect(levelled([70, -90, 0], 3, undefined)).toBeUndefined();
  });

  it('is gathered so that the first has what is taken, if all of them have', () => {
    fc.assert(
      fc.property(laid, fc.integer({ min: 1, max: 5_000 }), ({ floor, held }, amount) => {
        const wanted = gathered(held, amount, floor);
        const isThere = held.length > 1 && sum(held) - floor.minimum >= amount;
        expect(wanted !== undefined).toBe(isThere);
        if (!wanted) return;
        expect(sum(wanted)).toBe(sum(held));
        expect((wanted[0] ?? 0) - amount).toBeGreaterThanOrEqual(floor.minimum);
        expect(Math.min(...wanted.slice(1))).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is not gathered where there is no floor', () => {
    expect(gathered([1, 1], 5, undefined)).toBeUndefined();
  });
});

const registry = registerDomains(domains);
const showings = registry.byCollection('showings');
const id = `shw_${'0'.repeat(26)}`;

/** A reservation of one place of a showing. */
function reservation(input: object = {}): Decision {
  const decided = decide(registry, {
    ...{ tenant: 'acme', domain: registry.byCollection('reservations'), name: 'create' },
    ...{ id: `rsv_${'0'.repeat(26)}`, actor: 'alice', now: 0, random: '', seed: '' },
    input: { showingId: id, customer: 'ada', holdSeconds: 60, ...input },
  });
  if (decided.kind !== 'accepted') throw new Error(decided.kind);
  return decided.decision;
}

/** A reservation whose change of the showing is another one. */
const changed = (more: Partial<UnreadChange>): Decision => {
  const decision = reservation();
  return { ...decision, unread: decision.unread.map((change) => ({ ...change, ...more })) };
};

/** Showings whose places have another floor, or none. */
function flooredAt(minimum: number | undefined): Domain {
  const { remaining = { unit: 'place' } } = showings.accounts ?? {};
  const floor = minimum !== undefined && { floor: { minimum, code: 'sold_out', otherwise: '' } };
  return { ...showings, accounts: { remaining: { ...lacking(remaining, 'floor'), ...floor } } };
}

const place = (decision: Decision, spreading: Spreading | undefined, nth = 0): Placed | string => {
  const found = placed(
    decision,
    () => spreading,
    (places) => places[nth % places.length] ?? 0,
  );
  if (found.kind === 'scattered') return `${found.key} ${found.amount}`;
  const [change] = decision.unread;
  return found.byEntity.get(id) ?? { own: change, shares: [], chosen: [] };
};
/** The item that a posting goes to. */
const placeOf = (found: Placed | string): unknown =>
  typeof found === 'string' ? found : (found.shares[0]?.place ?? 0);

describe('a posting to an account that is spread', () => {
  const lacks = ['seats'];
  const spread = { remaining: 4 };

  it('goes to the entity where nothing is known', () => {
    expect(placeOf(place(reservation(), undefined))).toBe(0);
  });

  it('goes to any item where it is not known what they hold, and to one that has enough where it is', () => {
    const tried = [0, 1, 2, 3].map((nth) => placeOf(place(reservation(), { spread, lacks }, nth)));
    expect(tried).toEqual([0, 1, 2, 3]);
    const shares = { remaining: [0, 1, 0, 2] };
    const known = [0, 1, 2, 3].map((nth) => placeOf(place(reservation(), { spread, lacks, shares }, nth)));
    expect(known).toEqual([1, 3, 1, 3]);
  });

  it('has to be gathered where none has enough', () => {
    const shares = { remaining: [0, 0, 0, 0] };
    expect(place(reservation(), { spread, lacks, shares })).toBe('remaining 1');
  });

  it('leaves the item of the entity alone, and asks its own for the state and the floor', () => {
    const found = place(reservation(), { spread, lacks }, 2) as Placed;
    expect(found.own).toBeUndefined();
    expect(found.shares).toMatchObject([{ id, key: 'remaining', place: 2, delta: -1, unit: 'place' }]);
    expect(found.chosen).toEqual([{ account: `${id}:remaining`, place: 2 }]);
    expect(found.shares[0]?.rules.map(({ code, test }) => [code, test])).toEqual([
      ['showing_closed', { op: 'is', path: 'status', value: 'open' }],
      ['sold_out', { op: 'atLeast', path: 'balance', value: 1 }],
    ]);
  });

  it('goes to the item of the entity, if that has enough, where that is asked for more than its state', () => {
    const seated = reservation({ seat: 'A1' });
    expect(place(seated, { spread, lacks: [] }, 2)).toMatchObject({ shares: [], chosen: [] });
    const shares = { remaining: [0, 5, 0, 0] };
    const found = place(seated, { spread, lacks: [], shares }) as Placed;
    expect(placeOf(found)).toBe(1);
    expect(found.own?.deltas).toEqual({});
    expect(found.own?.rules.map(({ code }) => code)).toContain('unprocessable');
  });

  it('goes to any item where the account has no floor, whatever they hold', () => {
    const shares = { remaining: [0, 0, 0, 0] };
    const decision = changed({ domain: flooredAt(undefined) });
    expect(placeOf(place(decision, { spread, lacks, shares }, 3))).toBe(3);
  });

  it('goes to an item that is below a floor that was raised, where it adds to that', () => {
    const shares = { remaining: [-5, 0, 0, 0] };
    expect(placeOf(place(changed({ deltas: { remaining: 1 } }), { spread, lacks, shares }))).toBe(0);
  });

  const [stateRule] = reservation().unread.flatMap(({ rules }) =>
    rules.filter(({ code }) => code === 'showing_closed'),
  );
  if (!stateRule) throw new Error('a reservation asks whether the showing is open');
  it.each<[string, Partial<UnreadChange>]>([
    ['another account of it', { deltas: { remaining: -1, capacityGranted: -1 } }],
    ['its version', { version: 3 }],
    ['an attribute that it may have', { rules: [{ ...stateRule, test: { op: 'missing', path: 'title' } }] }],
    [
      'what an attribute that it lacks holds',
      { rules: [{ ...stateRule, test: { op: 'contains', path: 'seats', value: 'A1' } }] },
    ],
  ])('goes to the item of the entity where that is asked for %s, too', (_, more) => {
    const found = place(changed(more), { spread, lacks }, 2);
    expect(found).toMatchObject({ own: more, shares: [], chosen: [] });
  });

  it.each<[string, Partial<UnreadChange>, Partial<UnreadChange>]>([
    ['its version', { version: 3, rules: [] }, { version: 3, deltas: {}, units: {} }],
    [
      'another account of it',
      {
        deltas: { remaining: -1, capacityGranted: -1 },
        units: { remaining: 'place', capacityGranted: 'place' },
        rules: [],
      },
      { deltas: { capacityGranted: -1 }, units: { capacityGranted: 'place' } },
    ],
    [
      'an attribute that it may have',
      {
        rules: [
          { ...stateRule, test: { op: 'missing', path: 'title' } },
          { ...stateRule, test: { op: 'fact', holds: true } },
          { ...stateRule, test: { op: 'atLeast', path: 'remaining', value: 1 } },
        ],
      },
      {
        deltas: {},
        rules: [
          { ...stateRule, test: { op: 'missing', path: 'title' } },
          { ...stateRule, test: { op: 'fact', holds: true } },
        ],
      },
    ],
  ])('leaves the item of the entity what it is asked of %s, where another one has enough', (_, more, own) => {
    const shares = { remaining: [0, 5, 0, 0] };
    const found = place(changed(more), { spread, lacks, shares }) as Placed;
    expect([placeOf(found), found.own]).toEqual([1, expect.objectContaining(own)]);
  });

  it('keeps every item but the own one from being overdrawn', () => {
    const found = place(changed({ domain: flooredAt(-50) }), { spread, lacks }, 2) as Placed;
    expect(found.shares[0]?.rules.map(({ test }) => test)).toContainEqual({
      ...{ op: 'atLeast', path: 'balance', value: 1 },
    });
  });

  it('goes to any item where all that is asked for besides is known for good', () => {
    const rules = [
      { ...stateRule, test: { op: 'fact', holds: true } as const },
      { ...stateRule, test: { op: 'missing', path: 'seats' } as const },
    ];
    const found = place(changed({ rules }), { spread, lacks }, 2) as Placed;
    expect([found.own, placeOf(found)]).toEqual([undefined, 2]);
  });

  it.each<[string, Partial<UnreadChange>]>([
    ['is of an account that is not spread', { deltas: { capacityGranted: -1 }, rules: [] }],
    ['is none, but a look at its state', { deltas: {}, rules: [stateRule] }],
  ])('stays with the entity where it %s', (_, more) => {
    const decision = changed(more);
    const [own] = decision.unread;
    expect(place(decision, { spread, lacks }, 3)).toEqual({ own, shares: [], chosen: [] });
  });
});

/** A showing whose places lie in so many items. */
const state = (held: readonly number[], more: Partial<EntityState> = {}): EntityState => ({
  ...{ id, collection: 'showings', status: 'open', version: 1, createdAt: '', updatedAt: '', headHash: '' },
  ...{ attributes: { title: '', capacity: 9 }, balances: { remaining: sum(held) }, units: {} },
  ...(held.length > 1 && { spread: { remaining: held.length }, shares: { remaining: held } }),
  ...more,
});

describe('an entity whose accounts that are spread shall not matter', () => {
  const entity = state([1], { balances: { remaining: 1, capacityGranted: -9 } });

  it('has enough in each item for any posting, and room for any, and is otherwise as it was', () => {
    const shares = { remaining: [1, 0, 0] };
    const ample = withAmpleShares({ ...entity, spread: { remaining: 3 }, shares });
    const { remaining = 0 } = ample.balances;
    expect(ample).toEqual({
      ...entity,
      spread: { remaining: 3 },
      balances: { remaining, capacityGranted: -9 },
      shares: { remaining: new Array(3).fill(Math.floor(remaining / 3)) },
    });
    // The largest amount that a posting may have, and as much again below the most that an account may hold.
    expect(Math.floor(remaining / 3)).toBeGreaterThanOrEqual(field.amountMax);
    expect(remaining + field.amountMax).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
  });

  it('has what it had where nothing is spread', () => {
    expect(withAmpleShares(entity)).toEqual(entity);
  });
});

describe('what a process remembers of an account that is spread', () => {
  it('is over how many items, what the entity never has, and whether most of them are empty', () => {
    const memory = new SpreadMemory();
    memory.learn('acme', showings, state([1, 1, 0, 0]));
    expect(memory.find('acme', id)).toEqual({
      spreading: { spread: { remaining: 4 }, lacks: ['seats'] },
      isShort: false,
    });
    memory.learn('acme', showings, state([0, 1, 0, 0], { fixed: ['seats'] }));
    expect(memory.find('acme', id)).toEqual({
      spreading: { spread: { remaining: 4 }, lacks: [] },
      isShort: true,
    });
    expect(memory.find('other', id)).toBeUndefined();
    const shares = { remaining: [1, 1], others: [0, 0] };
    memory.learn('acme', showings, state([1, 1], { spread: { remaining: 2, others: 2 }, shares }));
    expect(memory.find('acme', id)?.isShort).toBe(true);
  });

  it('is not that the entity lacks what it keeps in its own item', () => {
    const attributes = { title: '', capacity: 1, seats: ['A1'] };
    expect(spreadingOf(showings, state([1, 1], { attributes }))?.lacks).toEqual([]);
  });

  it('is nothing of what lies in one item', () => {
    const memory = new SpreadMemory();
    memory.learn('acme', showings, state([9]));
    expect([memory.find('acme', id), spreadingOf(showings, state([9]))]).toEqual([undefined, undefined]);
  });

  it('is to which items its transactions come, until they end', () => {
    const memory = new SpreadMemory();
    const item = { account: `${id}:remaining`, place: 3 };
    const isBusy = () => [memory.isBusy('acme', item), memory.isBusy('other', item)];
    const [first, second] = [memory.take('acme', [item]), memory.take('acme', [item])];
    // A second one that comes to the same item does not free it before the first has ended.
    second();
    expect(isBusy()).toEqual([true, false]);
    first();
    expect(isBusy()).toEqual([false, false]);
    const third = memory.take('acme', [item]);
    first();
    expect([isBusy()[0], memory.isBusy('acme', { ...item, place: 4 })]).toEqual([true, false]);
    third();
  });

  it('is of so many entities, those that were learned last', () => {
    const memory = new SpreadMemory(2);
    for (const each of ['one', 'two', 'one', 'three'])
      memory.learn('acme', showings, state([1, 1], { id: each }));
    expect(['one', 'two', 'three'].map((each) => memory.find('acme', each) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
  });
});
