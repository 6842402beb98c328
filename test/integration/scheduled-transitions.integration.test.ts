/** What the clock asks for is done when it is due by the entity's own word, and nobody else can ask in its name. */
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { moment } from '../../functions/core/fields.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { createRunScheduledTransition } from '../../functions/workers/scheduled-transition.ts';
import { domains } from '../../functions/domains/index.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { loans } from '../support/toy-domain.ts';

const tenant = 'acme';
let clock: TestClock;
beforeEach(() => {
  clock = createTestClock();
});

async function lent(api: TestBackend): Promise<{ path: string; timer: (at: unknown) => Promise<string> }> {
  const article = await api.post('/v1/articles', { slug: 'momo', title: 'Hello, world', body: 'Good.' });
  const asked = await api.post('/v1/book-loans', { book: 'Momo', member: 'alice', article: idOf(article) });
  const path = `/v1/book-loans/${idOf(asked)}`;
  await api.post(`${path}/lend`);
  const run = createRunScheduledTransition(api.backend);
  const name = { tenant, collection: 'book-loans', entity: idOf(asked), transition: 'lose' };
  return { path, timer: (at) => run({ ...name, dueAt: Date.parse(String(at)) }) };
}

describe('a deadline', () => {
  it('is shown for as long as the entity waits for it, unless its moment is kept hidden', async () => {
    const secretive = {
      ...loans,
      attributes: loans.attributes.omit({ backUntil: true }),
      hidden: z.strictObject({ backUntil: moment() }),
    };
    const [now, week] = [clock.now(), 7 * 24 * 60 * 60 * 1000];
    for (const [definition, shown] of [
      [loans, { deadline: { transition: 'lose', at: timestamp(now + week) } }],
      [secretive, {}],
    ] as const) {
      const api = await startBackend({ clock, domains: [...domains, definition] });
      const { path } = await clock.at(now, () => lent(api));
      expect((await api.get(`${path}/timing`)).json).toEqual(shown);
      expect((await api.post(`${path}/return`, {})).status).toBe(200);
      expect((await api.get(`${path}/timing`)).json).toEqual({});
    }
  });

  it('that was moved brings nothing about at its old time', async () => {
    const api = await startBackend({ clock, domains: [...domains, loans] });
    const { path, timer } = await lent(api);
    const { backUntil } = (await api.get(path)).json;
    const renewed = await api.post(`${path}/renew`);
    clock.moveTo(Date.parse(String(backUntil)) + 1_000);
    expect(await timer(backUntil)).toBe('not_needed');
    expect((await api.get(path)).json).toMatchObject({ status: 'lent', version: renewed.json['version'] });
    expect(await timer(renewed.json['backUntil'])).toBe('not_due');
    clock.moveTo(Date.parse(String(renewed.json['backUntil'])));
    expect(await timer(renewed.json['backUntil'])).toBe('done');
    expect((await api.get(path)).json['status']).toBe('lost');
    expect(await timer(renewed.json['backUntil'])).toBe('done');
  });

  it('whose transition is refused for now is tried again, and its refusal kept under no key', async () => {
    let isStocktaking = true;
    const { lose } = loans.transitions;
    if (!lose) throw new Error('the definition has changed');
    const careful = {
      ...loans,
      transitions: {
        ...loans.transitions,
        lose: {
          ...lose,
          rules: {
            stocktaking: { holds: () => !isStocktaking, otherwise: 'The shelves are counted.' },
          },
        },
      },
    };
    const api = await startBackend({ clock, domains: [...domains, careful] });
    const { path, timer } = await lent(api);
    const { backUntil } = (await api.get(path)).json;
    clock.moveTo(Date.parse(String(backUntil)));
    expect(await timer(backUntil)).toBe('retry');
    isStocktaking = false;
    expect(await timer(backUntil)).toBe('done');
    expect((await api.get(path)).json['status']).toBe('lost');
  });

  it('is not spoiled by a caller that uses the key its command has', async () => {
    const api = await startBackend({ clock, domains: [...domains, loans] });
    const { path, timer } = await lent(api);
    const { backUntil } = (await api.get(path)).json;
    const spoiling = await api.post(`${path}/lose`, undefined, {
      key: `lose-${Date.parse(String(backUntil))}`,
      headers: { 'if-match': '"99"' },
    });
    expect(verdictOf(spoiling)).toEqual([412, 'version_mismatch']);
    clock.moveTo(Date.parse(String(backUntil)));
    expect(await timer(backUntil)).toBe('done');
    expect((await api.get(path)).json['status']).toBe('lost');
  });
});
