import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginning, nothingFound, step } from '../../functions/audit/ledger-walk.ts';
import type { Findings, Walked } from '../../functions/audit/ledger-walk.ts';
import { sealed } from '../../functions/core/ledger.ts';
import { registerDomains, versionOf } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { entryItem, ledgerEntry } from '../../functions/store/entities/items.ts';
import type { EntryItem } from '../../functions/store/entities/items.ts';
import { located } from '../support/audited.ts';
import type { Item, Located } from '../support/audited.ts';
import { History } from '../support/history.ts';
import type { HistoryStep } from '../support/history.ts';

const registry = registerDomains(domains);
const tenant = 'acme';

function walk(id: string, items: readonly Item[]): { walked: Walked; findings: Findings; found: Located[] } {
  const domain = registry.ofId(id);
  if (!domain) throw new Error(`${id} belongs to no domain`);
  const findings = nothingFound();
  let walked = beginning;
  for (const item of items) walked = step({ tenant, domain, id }, walked, item, findings);
  return { walked, findings, found: located(findings.problems) };
}

const payment = { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' };
const captured: HistoryStep = { name: 'captured', input: { status: 200, body: '{"reference":"ch_1"}' } };
const refund = (amount: number): HistoryStep => ({ name: 'refund', input: { amount } });
const invite = { workspace: 'w', email: 'A@example.com', role: 'r' };
const approval = { title: 'A press', approvers: ['alice', 'bob'], quorum: 2 };
const stories: [string, HistoryStep['input'], HistoryStep[]][] = [
  ['payments', payment, [{ name: 'confirm' }, captured, refund(250), refund(1_000)]],
  ['approvals', approval, [{ name: 'submit' }, { name: 'approve' }, { name: 'withdraw' }].slice(0, 2)],
  ['invites', invite, [{ name: 'revoke' }]],
  ['articles', { slug: 's', title: 'T', body: 'B' }, [{ name: 'publish' }, { name: 'archive' }]],
  ['showings', { title: 'Show', capacity: 2, seats: ['A1', 'A2'] }, [{ name: 'close' }]],
];

function tell(collection: string, input: HistoryStep['input'], steps: readonly HistoryStep[]) {
  const history = new History(registry, tenant);
  const state = history.entity(collection, input, steps);
  return { state, items: history.entries(state.id) };
}

/** The value with one character, or its number, changed. */
function altered(value: unknown, at: number): unknown {
  if (typeof value === 'number') return value + 1;
  const text = String(value);
  const index = at % text.length;
  return text.slice(0, index) + (text[index] === '1' ? '2' : '1') + text.slice(index + 1);
}

describe('a walk through a ledger', () => {
  it.each(stories)('of %s ends in the state that the commands left', (collection, input, steps) => {
    const { state, items } = tell(collection, input, steps);
    const { walked, found } = walk(state.id, items);
    expect(found).toEqual([]);
    expect(walked).toMatchObject({
      seq: state.version,
      status: state.status,
      createdAt: state.createdAt,
      updatedAt: state.updatedAt,
      definition: versionOf(registry.byCollection(collection)),
      held: state.held,
      due: state.due,
      isBroken: false,
    });
    expect(walked.attributes).toEqual(JSON.parse(JSON.stringify(state.attributes)));
    expect(walked.last?.hash).toBe(state.headHash);
  });

  it('tells which messages the entries caused', () => {
    const byStory = stories.map((story) => {
      const { state, items } = tell(...story);
      const { findings } = walk(state.id, items);
      return [...findings.messages].flatMap(([seq, { messages }]) =>
        messages.flatMap(({ topic, type, hashes }) => hashes.map(() => `${seq} ${topic} ${type}`)),
      );
    });
    expect(byStory).toEqual([
      [
        '2 external-call payment.capture',
        '3 notification payment.receipt',
        '4 external-call payment.refund',
        '5 external-call payment.refund',
      ],
      ['2 llm approval.submitted', '2 notification approval.submitted', '2 notification approval.submitted'],
      ['1 notification invite.created'],
      ['2 llm article.published'],
      [],
    ]);
  });

  it('goes on from what was kept as JSON in the middle of a ledger', () => {
    const [story] = stories;
    if (!story) throw new Error('there is no story');
    const { state, items } = tell(...story);
    const first = walk(state.id, items.slice(0, 2));
    const kept = JSON.parse(JSON.stringify(first.walked)) as Walked;
    const domain = registry.byCollection('payments');
    const findings = nothingFound();
    let walked = kept;
    for (const item of items.slice(2)) {
      walked = step({ tenant, domain, id: state.id }, walked, item, findings);
    }
    expect(findings.problems).toEqual([]);
    expect(walked).toEqual(walk(state.id, items).walked);
  });
});

const points = fc.array(
  fc.record({ name: fc.constantFrom('earn', 'spend'), amount: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 8 },
);

/** Random histories: earned first, so that no spending is refused. */
function pointHistory(steps: readonly { name: string; amount: number }[]) {
  const booked = steps.map(({ name, amount }) => ({ name, input: { amount, reason: 'a reason' } }));
  const start = { name: 'earn', input: { amount: 1_000, reason: 'start' } };
  return tell('point-accounts', { owner: 'ada' }, [start, ...booked]);
}

describe('what was changed behind the API', () => {
  it('is named by its place, whichever byte it is', () => {
    for (const story of stories) {
      const { state, items } = tell(...story);
      for (const [index, original] of items.entries()) {
        for (const name of Object.keys(original).filter((key) => key !== 'pk' && key !== 'sk')) {
          const length = String(original[name]).length;
          for (const at of new Set([0, Math.floor(length / 2), length - 1])) {
            const changed = { ...original, [name]: altered(original[name], at) };
            const { found } = walk(state.id, items.with(index, changed));
            expect([name, at, found[0]]).toEqual([name, at, ['entry_changed', state.id, index + 1]]);
          }
        }
      }
    }
  });

  it('is named by its place in any history: changed, resealed, removed, swapped', () => {
    const kinds = fc.constantFrom('changed', 'resealed', 'removed', 'swapped');
    fc.assert(
      fc.property(points, fc.nat(), fc.nat(), fc.nat(), kinds, (steps, nth, which, at, kind) => {
        const { state, items } = pointHistory(steps);
        // The last entry is bound by the entity, which a walk alone does not look at.
        const index = nth % (items.length - 1);
        const original = items[index] ?? {};
        const seq = index + 1;
        const tampered = { changed, resealed, removed, swapped }[kind](items, index, original, which, at);
        const { found } = walk(state.id, tampered);
        const code = {
          changed: 'entry_changed',
          resealed: 'entry_changed',
          removed: 'entry_missing',
          swapped: 'entry_moved',
        };
        expect(found[0]).toEqual([code[kind], state.id, seq]);
        const named = kind === 'swapped' ? [seq, seq + 1] : [seq];
        expect(found.every(([, , place]) => named.includes(place ?? 0))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is found in every field of a posting, and a foreign entry too', () => {
    const { state, items } = pointHistory([{ name: 'spend', amount: 5 }]);
    const other = pointHistory([{ name: 'spend', amount: 5 }]);
    const foreign = items.with(1, { ...(other.items[1] ?? {}), pk: items[1]?.['pk'] });
    expect(walk(state.id, foreign).found[0]).toEqual(['entry_changed', state.id, 2]);
    const inserted = [
      ...items,
      { ...(items[2] ?? {}), sk: 'entry#0000000000' },
      { ...(items[2] ?? {}), sk: 'entry#zzz' },
    ];
    expect(walk(state.id, inserted).found).toEqual([
      ['entry_inserted', state.id, 0],
      ['entry_inserted', state.id],
    ]);
  });
});

type Tamper = (items: Item[], index: number, original: Item, which: number, at: number) => Item[];

const changed: Tamper = (items, index, original, which, at) => {
  const names = Object.keys(original).filter((key) => key !== 'pk' && key !== 'sk');
  const name = names[which % names.length] ?? '';
  return items.with(index, { ...original, [name]: altered(original[name], at) });
};

/** Changed by somebody who knows how the hash is made. */
const resealed: Tamper = (items, index, original) => {
  const item = original as unknown as EntryItem;
  const id = String(original['pk']).split('#')[1] ?? '';
  return items.with(index, {
    ...entryItem(item, sealed(tenant, id, { ...ledgerEntry(item), actor: 'eve' })),
  });
};

const removed: Tamper = (items, index) => items.toSpliced(index, 1);

const swapped: Tamper = (items, index, original) => {
  const next = items[index + 1] ?? {};
  const [sk, nextSk] = [original['sk'], next['sk']];
  return items.with(index, { ...next, sk }).with(index + 1, { ...original, sk: nextSk });
};
