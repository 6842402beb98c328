/** Deadlines: which of several an entity waits for, and what comes again does so without drift. */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../functions/core/command.ts';
import { dueAfter, whenByItself } from '../../functions/core/deadlines.ts';
import { decide } from '../../functions/core/decide.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { later, moment } from '../../functions/core/fields.ts';
import { momentAfter } from '../../functions/core/recurrence.ts';
import type { Period } from '../../functions/core/recurrence.ts';
import { registerDomains } from '../../functions/core/registry.ts';

const at = (text: string): number => Date.parse(text);

/** The first moments of a series, each told from the one before it. */
function series(period: Period, since: string, length: number): readonly string[] {
  const moments = [at(since)];
  for (let n = 1; n < length; n += 1) moments.push(momentAfter(period, at(since), moments.at(-1) ?? 0));
  return moments.map((each) => new Date(each).toISOString().slice(0, 10));
}

describe('a later moment', () => {
  it.each([
    ['2026-11-27T12:00:00.000Z', {}, '2026-11-27T12:00:00.000Z'],
    ['2026-11-27T12:00:00Z', { days: -1, hours: 2, minutes: 3, seconds: 4 }, '2026-11-26T14:03:04.000Z'],
    ['2027-10-31T09:00:00.000Z', { months: 1 }, '2027-11-30T09:00:00.000Z'],
    ['2027-01-31T09:00:00.000Z', { months: -2, days: 1 }, '2026-12-01T09:00:00.000Z'],
    ['2028-02-29T00:00:00.000Z', { years: 1 }, '2029-02-28T00:00:00.000Z'],
    ['2027-06-01T00:00:00.000Z', { years: 1, months: 8 }, '2029-02-01T00:00:00.000Z'],
  ])('is by the calendar: from %s, %j on, is %s', (from, span, then) => {
    expect(later(from, span)).toBe(then);
    expect(later(at(from), span)).toBe(then);
  });
});

describe('what comes again', () => {
  it('every month falls on its day, or on the last of a month that lacks it', () => {
    expect(series('month', '2027-10-31T09:00:00.000Z', 6)).toEqual([
      '2027-10-31',
      '2027-11-30',
      '2027-12-31',
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
    ]);
  });

  it('every year on a leap day falls on the last of February', () => {
    expect(series('year', '2024-02-29T00:00:00.000Z', 5)).toEqual([
      '2024-02-29',
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
    ]);
  });

  it('every day and every week keep their time', () => {
    expect(series('day', '2026-12-31T23:59:59.999Z', 3)).toEqual(['2026-12-31', '2027-01-01', '2027-01-02']);
    expect(series('week', '2026-12-31T23:59:59.999Z', 2)).toEqual(['2026-12-31', '2027-01-07']);
  });

  it.each(['day', 'week', 'month', 'year'] as const)(
    'every %s comes strictly later, and is what it is told from any moment since the last',
    (period) => {
      const since = at('2026-01-31T12:00:00.000Z');
      let last = since;
      for (let n = 0; n < 40; n += 1) {
        const next = momentAfter(period, since, last);
        expect(next).toBeGreaterThan(last);
        for (const share of [0.1, 0.5, 0.999])
          expect(momentAfter(period, since, Math.floor(last + (next - last) * share))).toBe(next);
        last = next;
      }
    },
  );

  it('begins with its first moment', () => {
    const since = at('2026-01-31T12:00:00.000Z');
    const years = 3 * 366 * 24 * 3_600_000;
    for (const period of ['day', 'week', 'month', 'year'] as const)
      for (const before of [1, years]) expect(momentAfter(period, since, since - before)).toBe(since);
  });
});

/** A plant is watered each week, repotted once, and thrown away when it is dead. */
const plants: Domain = defineDomain({
  collection: 'plants',
  type: 'plant',
  idPrefix: 'plt',
  summary: 'A plant.',
  states: ['alive', 'dead'],
  attributes: {
    boughtAt: moment().optional(),
    wateredNext: moment().optional(),
    repottedAt: moment().optional(),
    diesAt: moment(),
  },
  deadlines: {
    water: { while: ['alive'], at: 'wateredNext', every: 'week', since: 'boughtAt' },
    repot: { while: ['alive'], at: 'repottedAt' },
    die: { while: ['alive'], at: 'diesAt' },
  },
  create: {
    summary: 'Buy it',
    input: {},
    set: () => ({ diesAt: '2026-03-01T00:00:00.000Z' }),
  },
  transitions: {
    water: { summary: 'Water it', from: ['alive'], to: ['alive'] },
    repot: { summary: 'Repot it', from: ['alive'], to: ['alive'], set: () => ({ repottedAt: undefined }) },
    die: { summary: 'Die', internal: true, from: ['alive'], to: ['dead'] },
    prune: { summary: 'Prune it', from: ['alive'], to: ['alive'] },
  },
});

const plant = (attributes: EntityState['attributes'], due?: EntityState['due']): EntityState => ({
  id: 'plt_01JD2X5T9ZK4M8Q7W6V5B3N2HC',
  collection: 'plants',
  status: 'alive',
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  attributes: { diesAt: '2026-03-01T00:00:00.000Z', ...attributes },
  balances: {},
  units: {},
  ...(due && { due }),
  headHash: '',
});

function after(before: EntityState, name: string, dueAt?: number, domain: Domain = plants): EntityState {
  const command: Command = {
    ...{ tenant: 'acme', domain, name, id: before.id, input: {}, actor: 'alice', random: '', seed: '' },
    now: dueAt ?? at('2026-01-02T00:00:00.000Z'),
    ...(dueAt !== undefined && { dueAt }),
  };
  const decided = decide(registerDomains([domain]), command, new Map([[before.id, before]]));
  if (decided.kind !== 'accepted') throw new Error(JSON.stringify(decided));
  return decided.decision.entities[0].after;
}

const alive = ['alive'];
const watered = { at: at('2026-01-08T09:00:00.000Z'), transition: 'water', while: alive };

describe('an entity with several deadlines', () => {
  const dated = { boughtAt: '2026-01-01T09:00:00.000Z', wateredNext: '2026-01-08T09:00:00.000Z' };

  it('waits for the earliest, and of two at one moment for the first of the definition', () => {
    expect(after(plant({}), 'prune').due).toEqual({
      ...{ at: at('2026-03-01T00:00:00.000Z'), transition: 'die', while: alive },
    });
    expect(after(plant({ ...dated, repottedAt: dated.wateredNext }), 'prune').due).toEqual(watered);
    expect(after(plant({ ...dated, repottedAt: '2026-01-05T00:00:00.000Z' }), 'prune').due).toMatchObject({
      transition: 'repot',
    });
  });

  it('goes on to the next one when one has come', () => {
    const first = plant({ ...dated, repottedAt: dated.wateredNext }, watered);
    const second = after(first, 'water', watered.at);
    expect(second.attributes['wateredNext']).toBe('2026-01-15T09:00:00.000Z');
    expect(second.due).toEqual({ ...watered, transition: 'repot' });
    expect(after(second, 'repot', watered.at).due).toEqual({
      ...watered,
      at: at('2026-01-15T09:00:00.000Z'),
    });
  });

  it('makes up for what came late, one after the other', () => {
    let entity = plant(dated, watered);
    const waterings: string[] = [];
    while (entity.due?.transition === 'water') {
      waterings.push(new Date(entity.due.at).toISOString());
      entity = after(entity, 'water', entity.due.at);
    }
    expect(waterings).toHaveLength(8);
    expect(waterings.at(-1)).toBe('2026-02-26T09:00:00.000Z');
    expect(after(entity, 'die', entity.due?.at).due).toBeUndefined();
  });

  it('is moved on by its deadline alone, not by a caller, and not by another command', () => {
    for (const name of ['water', 'prune'])
      expect(after(plant(dated, watered), name).attributes['wateredNext']).toBe(dated.wateredNext);
  });

  it('ends a series where the transition says so itself', () => {
    const { water } = plants.transitions;
    const last = { ...water, summary: '', from: alive, to: alive, set: () => ({ wateredNext: undefined }) };
    const domain = { ...plants, transitions: { ...plants.transitions, water: last } };
    expect(after(plant(dated, watered), 'water', watered.at, domain).due?.transition).toBe('die');
  });

  it('keeps the deadline of another version until it has come', () => {
    const other = { at: at('2026-01-03T00:00:00.000Z'), transition: 'prune', while: alive };
    expect(after(plant(dated, other), 'repot').due).toEqual(other);
    expect(after(plant(dated, other), 'prune', other.at).due).toEqual(watered);
    expect(after(plant(dated, { ...other, while: ['dead'] }), 'repot').due).toEqual(watered);
  });
});

describe('a deadline that was written', () => {
  const written = { at: at('2026-01-03T00:00:00.000Z'), transition: 'repot', while: alive };
  const dies = { at: at('2026-03-01T00:00:00.000Z'), transition: 'die', while: alive };

  it('is none of a new entity, and none is left where there is nothing to wait for', () => {
    expect(dueAfter(plants, { name: 'create' }, undefined, plant({}))).toEqual(dies);
    expect(dueAfter(plants, { name: 'die' }, plant({}), { ...plant({}), status: 'dead' })).toBeUndefined();
  });

  it('is left where no deadline of the definition is of its name, and only there', () => {
    const { deadlines: _, ...without } = plants;
    expect(dueAfter(without, { name: 'prune' }, plant({}, written), plant({}))).toEqual(written);
    expect(dueAfter(plants, { name: 'prune' }, plant({}, written), plant({}))).toEqual(dies);
  });
});

it.each([
  ['water', 'at `wateredNext`, every week'],
  ['repot', 'at `repottedAt`'],
  ['prune', undefined],
  ['toString', undefined],
])('people are told when %s happens by itself: %s', (transition, when) => {
  expect(whenByItself(plants, transition)).toBe(when);
  expect(whenByItself({}, transition)).toBeUndefined();
});

describe('a definition', () => {
  it('whose deadline would come at the same moment for ever is a defect', () => {
    const { repot } = plants.transitions;
    const domain = {
      ...plants,
      transitions: {
        ...plants.transitions,
        repot: { ...repot, summary: '', from: alive, to: alive, set: () => ({}) },
      },
    };
    const due = { at: at('2026-01-05T00:00:00.000Z'), transition: 'repot', while: alive };
    expect(() =>
      after(plant({ repottedAt: '2026-01-05T00:00:00.000Z' }, due), 'repot', due.at, domain),
    ).toThrow(
      'definition "plants", "repot" of plt_01JD2X5T9ZK4M8Q7W6V5B3N2HC: it is due again at the moment that has come; lead out of "while", set "repottedAt" anew, or say "every"',
    );
  });

  it('whose series has no first moment is a defect', () => {
    expect(() =>
      after(plant({ wateredNext: '2026-01-08T09:00:00.000Z' }, watered), 'water', watered.at),
    ).toThrow('it comes again every week since "boughtAt", which is not there');
  });
});
