/** A command whose reads are apart: what it tells was true at one moment, whatever other commands did between them. */
import { expect, it } from 'vitest';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

interface Scene {
  readonly auction: string;
  /** As everybody else sees it. */
  readonly api: TestBackend;
  /** One that reads the auction, is overtaken, and then reads the bid that it saw as the highest. */
  readonly slow: TestBackend;
}

/** @param overtake happens between the two reads of the slow one, once */
async function scene(overtake: (scene: Omit<Scene, 'slow'>) => Promise<unknown>): Promise<Scene> {
  const domains = [sellers, auctions, bids];
  const api = await startBackend({ domains });
  const seller = idOf(await api.post('/v1/sellers', {}));
  const auction = idOf(await api.post('/v1/auctions', { title: 'A press of 1911', seller }));
  await api.post('/v1/bids', { auction, amount: 100 }, { subject: 'first' });
  let reads = 0;
  const prepare = (client: unknown): void => {
    intercept(client, {
      before: async ({ command }) => {
        if (command !== 'BatchGetItemCommand') return;
        reads += 1;
        if (reads === 2) await overtake({ auction, api });
      },
    });
  };
  return { auction, api, slow: await startBackend({ domains, tables: api.tables, prepare }) };
}

it('a bid that another one overtakes between its reads beats that one', async () => {
  const { auction, api, slow } = await scene(({ auction: of, api: fast }) =>
    fast.post('/v1/bids', { auction: of, amount: 200 }, { subject: 'second' }),
  );
  const bid = await slow.post('/v1/bids', { auction, amount: 300 }, { subject: 'third' });
  expect(verdictOf(bid)).toEqual([201, undefined]);
  expect((await api.get(`/v1/auctions/${auction}`)).json).toMatchObject({
    highest: 300,
    highestBid: idOf(bid),
  });
  const purses = await Promise.all(
    ['first', 'second', 'third'].map((of) => api.get(`/v1/balances/purse:${of}:EUR`)),
  );
  expect(purses.map(({ json }) => json['balance'])).toEqual([0, 0, -300]);
});

it('a bid that a higher one overtakes between its reads is told so, and so is its key afterwards', async () => {
  const { auction, api, slow } = await scene(({ auction: of, api: fast }) =>
    fast.post('/v1/bids', { auction: of, amount: 400 }, { subject: 'second' }),
  );
  const body = { auction, amount: 300 };
  const as = { subject: 'third', key: 'one-bid' };
  const bid = await slow.post('/v1/bids', body, as);
  expect(verdictOf(bid)).toEqual([409, 'bid_too_low']);
  expect((await api.post('/v1/bids', body, as)).text).toBe(bid.text);
});
