/** What is written is what was decided. */
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../functions/core/decision.ts';
import { readLedger } from '../../functions/store/entities/reads.ts';
import { dueShardOf, entityKey, fixedKey, listPartitionOf } from '../../functions/store/keys.ts';
import { readMessage } from '../../functions/store/outbox/messages.ts';
import { startedAt } from '../support/given.ts';
import type { Given, Step } from '../support/given.ts';
import {
  article,
  invite,
  showing,
  order,
  refusal,
  loan,
  earn,
  signal,
  begun,
  sentDecisions,
} from '../support/sent-decisions.ts';

const { at, itemsOf, done, read, item, created } = sentDecisions();

describe('what is written is what was decided', () => {
  type History = readonly [collection: string, input: Record<string, unknown>, steps: [string, Step?][]];
  const histories: readonly History[] = [
    ['articles', article, [['publish'], ['keep-summary', { input: { text: 'Short.' } }], ['archive']]],
    ['showings', showing, [['close']]],
    ['point-accounts', { owner: 'ada' }, [['earn', earn], ['spend', earn], ['close']]],
    ['invites', invite, [['revoke']]],
    [
      'book-loans',
      { ...loan, shelf: 'A 3' },
      [
        ['lend'],
        ['renew', { later: 1 }],
        ['pay-out', { input: { amount: 100 } }],
        ['return', { input: { note: 'torn' } }],
      ],
    ],
    [
      'orders',
      order,
      [
        ['charged', { input: { status: 200 } }],
        ['cancel'],
        ['refund-refused', { input: refusal }],
        ['retry-refund'],
        ['refunded', { input: { status: 200 } }],
      ],
    ],
  ];

  test.each(histories)('%s', async (collection, input, steps) => {
    await created('articles', { ...article, slug: 'other' }).catch(() => undefined);
    if (collection === 'articles') at.moveOn();
    if (collection === 'orders') await created('showings', { title: 'Evening show', capacity: 2 });
    let now: Given = begun(collection, input);
    let decision = begun(collection, input).creation;
    for (const [name, step] of [[undefined], ...steps] as const) {
      if (name !== undefined) {
        decision = now.when(name, step).decision();
        now = now.and(name, step);
      }
      await done(decision);
      const { after, entry } = decision.entities[0];
      expect(await read(after.id)).toEqual(after);
      const { entries } = await readLedger(at.store, at.tenant, after.id, { limit: 9 }, signal);
      expect(entries.at(-1)).toEqual(entry);
      const stored = await item(entityKey(at.tenant, after.id));
      expect(stored).toMatchObject({
        tenant: at.tenant,
        listPk: listPartitionOf(at.tenant, after),
        listSk: after.id,
        ...(after.due && { dueShard: dueShardOf(after.id) }),
      });
    }
  });

  test('a new entity has nothing that is empty: an item of a kilobyte costs half of one that is larger', async () => {
    const own = ['pk', 'sk', 'id', 'tenant', 'collection', 'status', 'version', 'createdAt', 'updatedAt'];
    const each = [...own, 'attributes', 'def', 'headHash', 'listPk', 'listSk'].sort();
    const account = await created('point-accounts', { owner: 'ada' });
    expect(Object.keys((await item(entityKey(at.tenant, account.id))) ?? {}).sort()).toEqual(
      [...each, 'balances', 'units'].sort(),
    );
    const text = await created('articles', article);
    expect(Object.keys((await item(entityKey(at.tenant, text.id))) ?? {}).sort()).toEqual(
      [...each, 'held'].sort(),
    );
    expect(await item(fixedKey(at.tenant, text.id))).toBeUndefined();
  });

  test('what never changes lies beside its entity, and nothing else does', async () => {
    const { id } = await created('showings', showing);
    expect(await item(fixedKey(at.tenant, id))).toEqual({
      ...fixedKey(at.tenant, id),
      attributes: { seats: showing.seats },
    });
    expect(await item(entityKey(at.tenant, id))).toMatchObject({
      attributes: { title: showing.title, capacity: 2 },
      fixed: ['seats'],
    });
  });

  test('of an older entity that knows no version of its definition nothing is made up', async () => {
    const { creation } = begun('articles', article);
    const [change] = creation.entities;
    const { definition, held, ...older } = change.after;
    await done({ ...creation, entities: [{ ...change, after: older, taken: [] }] });
    expect(await read(older.id)).toEqual(older);
    expect([definition, held]).not.toContain(undefined);
  });

  test('an update names what changed and nothing else', () => {
    const named = (decision: Decision): unknown => {
      const written = itemsOf(decision).find(({ label }) => label.purpose === 'entity');
      return Object.values(written?.item.Update?.ExpressionAttributeNames ?? {}).sort();
    };
    const always = ['attributes', 'expiresAt', 'headHash', 'lock', 'updatedAt', 'version'].sort();
    const approval = begun('approvals', { title: 'Leave', approvers: ['bob', 'carol'], quorum: 2 });
    const submitted = approval.and('submit');
    expect(named(submitted.when('approve', { actor: 'bob' }).decision())).toEqual(
      expect.arrayContaining(always),
    );
    const account = begun('point-accounts', { owner: 'ada' });
    expect(named(account.when('earn', earn).decision())).toEqual(
      ['balance', 'balances', 'expiresAt', 'headHash', 'issued', 'lock', 'updatedAt', 'version'].sort(),
    );
    expect(named(begun('articles', article).when('publish').decision())).toEqual(
      ['expiresAt', 'headHash', 'listPk', 'lock', 'spread', 'status', 'updatedAt', 'version'].sort(),
    );
    expect(named(begun('invites', invite).when('revoke').decision())).toEqual(
      [
        ...[
          'dueAt',
          'dueShard',
          'expiresAt',
          'headHash',
          'held',
          'listPk',
          'lock',
          'spread',
          'status',
          'timerTransition',
        ],
        ...['timerWhile', 'updatedAt', 'version'],
      ].sort(),
    );
  });

  test('a message keeps what follows from its answers, and what happens where nobody knows', async () => {
    await created('showings', { title: 'Evening show', capacity: 2 });
    const { id, creation } = await created('orders', order);
    const message = (of: string, seq: number, n: number) =>
      readMessage(
        { client: at.store.client, table: at.store.tables.outbox, clock: { now: () => startedAt } },
        { tenant: at.tenant, id: `msg_${of}_${seq}_${n}` },
      );
    expect(await message(id, 1, 0)).toMatchObject({
      entity: id,
      collection: 'orders',
      type: 'order.charge',
      topic: 'external-call',
      status: 'pending',
      requestId: 'first',
      traceparent: 'trace',
      onUncertain: 'inquire',
      answers: { done: 'charged', refused: 'decline' },
    });
    expect(creation.messages).toHaveLength(1);
    const invited = await created('invites', invite);
    const mail = await message(invited.id, 1, 0);
    expect(mail).toMatchObject({ answers: { refused: 'bounce' } });
    expect(mail?.answers).not.toHaveProperty('done');
    expect(mail?.answers).not.toHaveProperty('dead');
    expect(mail).not.toHaveProperty('onUncertain');
    const text = await created('articles', article);
    await done(text.when('publish').decision());
    expect((await message(text.id, 2, 0))?.answers).toEqual({ done: 'keep-summary' });
    const paid = begun('orders', order)
      .when('charged', { input: { status: 200 } })
      .decision();
    const [receipt] = paid.messages;
    if (receipt === undefined) throw new Error('there is no receipt');
    await done({ ...paid, messages: [receipt, { ...receipt, n: 1, dead: 'cancel', uncertain: 'retry' }] });
    expect(await message(id, 2, 0)).not.toHaveProperty('answers');
    const last = await message(id, 2, 1);
    expect(last?.answers).toEqual({ dead: 'cancel' });
    expect(last).not.toHaveProperty('onUncertain');
  });
});
