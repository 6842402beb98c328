/** What may be released while entities of the older version live: 20 bad changes and 20 safe ones. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { integer, secret, text } from '../../functions/core/fields.ts';
import { changesBetween, isSame } from '../../functions/evolution/compare.ts';
import type { Verdict } from '../../functions/evolution/changes.ts';
import { snapshotOf } from '../../functions/evolution/snapshot.ts';
import type { Snapshot, TransitionSnapshot } from '../../functions/evolution/snapshot.ts';
import { many } from '../../functions/core/others.ts';
import { lacking, later } from '../support/changing-domain.ts';
import { changed, floored, live, safeChanges } from '../support/domain-changes.ts';

const { attributes, created, opened, paying, transition, unique, without } = changed;

const bad: Record<string, Domain | Partial<Domain>> = {
  'a required attribute': attributes({ tier: text('gold') }),
  'an attribute removed': attributes({}, 'note'),
  'an attribute renamed': attributes({ fullName: text('Ada') }, 'name'),
  'an attribute hidden': {
    ...attributes({}, 'note'),
    hidden: z.strictObject({ code: z.string().optional(), note: text('a note').optional() }),
  },
  'an attribute of another type': attributes({ note: integer(1, 5, 3).optional() }),
  'an attribute shortened': attributes({ name: text('Ada', 10) }),
  'a hidden attribute removed': lacking(live, 'hidden'),
  'a state removed': {
    states: ['waiting', 'left'],
    transitions: without('join', 'pay', 'rate'),
  },
  'no way out of a state': {
    transitions: {
      ...without('leave', 'rate', 'pay'),
      leave: { ...live.transitions['leave'], from: ['waiting'] } as AnyTransition,
    },
  },
  'a statement kept no more': { accounts: { dues: { ...floored.dues, statement: false } } },
  'a named account spread over fewer items': { spread: { fees: 7 } },
  'a named account spread no more': lacking(live, 'spread'),
  'an attribute that may change': lacking(live, 'fixed'),
  'an account removed': lacking({ ...live, transitions: without('pay') }, 'accounts'),
  "an account's unit from an attribute": { accounts: { dues: { ...floored.dues, unit: { from: 'name' } } } },
  "an account's unit": { accounts: { dues: { ...floored.dues, unit: 'USD' } } },
  'a higher floor': { accounts: { dues: { ...floored.dues, floor: { ...floored.dues.floor, minimum: 5 } } } },
  'an account shown no more': { accounts: { dues: { ...floored.dues, shown: false } } },
  'another id prefix': { idPrefix: 'mem' },
  'another type': { type: 'fellow' },
  'a required field of an input': created({ name: text('Ada'), tier: text('gold') }),
  'a field of an input removed': transition('rate', { input: z.strictObject({ stars: integer(1, 5, 3) }) }),
  'a bound of an input': paying({ amount: integer(1, 100, 10) }),
  'a field that was optional': transition('rate', {
    input: z.strictObject({ stars: integer(1, 5, 3), word: secret(text('open')) }),
  }),
  'a secret that is none any more': transition('rate', {
    input: z.strictObject({ stars: integer(1, 5, 3), word: text('open').optional() }),
  }),
  'a transition that callers ask for removed': { transitions: without('remind') },
  'a transition closed to callers': transition('remind', { internal: true }),
  'a creation closed to callers': { create: { ...live.create, internal: true } },
  'the transition of a deadline removed': lacking({ ...live, transitions: without('lapse') }, 'deadlines'),
};

const seat = { of: live, id: () => 'mbr_1', transition: 'leave', input: () => ({}) } as const;
const other: Domain = { ...live, collection: 'guests', idPrefix: 'gst' };

/** What a command does to others: between two versions of it, what is said. */
const othersChanged: readonly [string, Verdict, Partial<AnyTransition>, Partial<AnyTransition>][] = [
  ['a link', 'two-steps', {}, { links: { seat } }],
  ['no link', 'two-steps', { links: { seat } }, {}],
  [
    'a link by another transition',
    'two-steps',
    { links: { seat } },
    { links: { seat: { ...seat, transition: 'join' } } },
  ],
  [
    'a link to another collection',
    'refused',
    { links: { seat } },
    { links: { seat: { ...seat, of: other } } },
  ],
  [
    'a link of another code',
    'two-steps',
    { links: { seat } },
    { links: { seat: { ...seat, refused: { code: 'stays', otherwise: '' } } } },
  ],
  ['a link to more', 'safe', { links: { seat } }, { links: { seat: { ...seat, of: many(live, 9) } } }],
  ['a link to fewer', 'refused', { links: { seat: { ...seat, of: many(live, 9) } } }, { links: { seat } }],
  ['a creation of others', 'safe', {}, { creates: { seat } }],
  ['no creation of others', 'two-steps', { creates: { seat } }, {}],
  [
    'a creation of other others',
    'two-steps',
    { creates: { seat } },
    { creates: { seat: { ...seat, of: other } } },
  ],
  [
    'a creation of more',
    'safe',
    { creates: { seat } },
    { creates: { seat: { ...seat, of: many('self', 9) } } },
  ],
  [
    'a creation of fewer',
    'refused',
    { creates: { seat: { ...seat, of: many(live, 9) } } },
    { creates: { seat } },
  ],
];

const stepwise: Record<string, Domain | Partial<Domain>> = {
  'an attribute that never changes': { fixed: ['code', 'note'] },
  'a named account that is spread': { spread: { fees: 8, bank: 8 } },
  'a named account spread over more items': { spread: { fees: 16 } },
  'an account of an entity that is spread': { accounts: { dues: { ...floored.dues, spread: 8 } } },
  'a unique value': {
    unique: [...(live.unique ?? []), { name: 'member_note', while: ['active'], of: () => ['x'] }],
  },
  'a unique value in another form': unique({
    of: ({ name }: { readonly name: string }) => [name.toLowerCase()],
  }),
  'a unique value held in more states': unique({ while: ['waiting', 'active', 'left'] }),
  'an account closed in a state': { accounts: { dues: opened('waiting', 'active') } },
  'an attribute required': attributes({ note: text('a note') }),
  'an attribute that may be left out': attributes({ name: text('Ada').optional() }),
  'an internal transition removed': { transitions: without('purge') },
};

const verdictsOf = (next: Domain | Partial<Domain>): readonly Verdict[] => {
  const whole = 'collection' in next ? (next as Domain) : { ...live, ...next };
  return changesBetween(snapshotOf(live), snapshotOf(later({}, whole))).map(({ verdict }) => verdict);
};

describe('evolve', () => {
  it('has at least 20 of each', () => {
    expect([Object.keys(bad).length >= 20, Object.keys(safeChanges).length >= 20]).toEqual([true, true]);
  });

  it.each(Object.entries(bad))('refuses %s, and says what to do instead', (_name, next) => {
    const whole = 'collection' in next ? (next as Domain) : { ...live, ...next };
    const changes = changesBetween(snapshotOf(live), snapshotOf(whole));
    expect(changes.map(({ verdict }) => verdict)).toContain('refused');
    for (const { verdict, effect, todo } of changes) {
      expect(effect).toMatch(/\.$/);
      if (verdict !== 'safe') expect(todo).toMatch(/\.$/);
    }
  });

  it.each(Object.entries(safeChanges))('lets %s pass', (_name, next) => {
    expect(verdictsOf(next).filter((verdict) => verdict !== 'safe')).toEqual([]);
  });

  it.each(Object.entries(stepwise))('lets %s pass in two steps', (_name, next) => {
    const verdicts = verdictsOf(next);
    expect(verdicts).toContain('two-steps');
    expect(verdicts).not.toContain('refused');
  });

  it('lets a creation be opened to callers', () => {
    const closed = { ...live, create: { ...live.create, internal: true } };
    expect(changesBetween(snapshotOf(closed), snapshotOf(live))).toMatchObject([
      { path: 'create', verdict: 'safe' },
    ]);
    expect(isSame(snapshotOf(closed), snapshotOf(live))).toBe(false);
  });

  it('lets an account of an entity be spread over more items or fewer, and refuses to spread it no more', () => {
    const over = (spread?: number): Snapshot =>
      snapshotOf({
        ...live,
        accounts: { dues: { ...floored.dues, ...(spread !== undefined && { spread }) } },
      });
    const verdicts = [over(8), over(32), over(2), over()].map((after) => changesBetween(over(8), after));
    expect(verdicts.map((changes) => changes.map(({ verdict }) => verdict))).toEqual([
      [],
      ['safe'],
      ['safe'],
      ['refused'],
    ]);
    expect(isSame(over(8), over(9))).toBe(false);
  });

  it('refuses to list by an attribute no more', () => {
    const changes = changesBetween(snapshotOf({ ...live, listed: ['name'] }), snapshotOf(live));
    expect(changes).toMatchObject([{ path: 'listed.name', verdict: 'refused' }]);
  });

  it.each(othersChanged)('sees %s: %s', (_name, verdict, before, after) => {
    const snapshots = [before, after].map((change) => snapshotOf({ ...live, ...transition('rate', change) }));
    const [was, is] = snapshots as [Snapshot, Snapshot];
    expect(isSame(was, is)).toBe(false);
    expect(changesBetween(was, is)).toEqual([
      {
        verdict,
        path: expect.stringMatching(/^transitions\.rate\.(?:links|creates)\.seat$/) as string,
        effect: expect.stringMatching(/\.$/) as string,
        ...(verdict !== 'safe' && { todo: expect.stringMatching(/\.$/) as string }),
      },
    ]);
  });

  it('says nothing of what a snapshot of before did not hold', () => {
    const is = snapshotOf({ ...live, ...transition('rate', { links: { seat }, creates: { seat } }) });
    const rate = Object.fromEntries(
      Object.entries(is.transitions['rate'] ?? {}).filter(([part]) => !['links', 'creates'].includes(part)),
    ) as unknown as TransitionSnapshot;
    const was: Snapshot = { ...is, transitions: { ...is.transitions, rate } };
    expect([isSame(was, is), changesBetween(was, is)]).toEqual([true, []]);
    expect(isSame(is, was)).toBe(false);
  });

  it('tells two versions that differ by their number alone from others', () => {
    expect(isSame(snapshotOf(live), snapshotOf(later({}, live)))).toBe(true);
    expect(isSame(snapshotOf(live), snapshotOf({ ...live, ...created({ name: text('Ada', 9) }) }))).toBe(
      false,
    );
  });
});
