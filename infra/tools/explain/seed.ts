/** Fills a store with entities of every domain in every status. */
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import pMap from 'p-map';
import { createWorld } from './seed-world.ts';
import type { Items, World } from './seed-world.ts';
import { standardNow } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export interface Seeded {
  readonly entities: number;
  readonly items: number;
  readonly seconds: number;
}

/** The first rounds leave something to do for the sweeper and the operations routes; the number does not grow. */
const roundsWithWork = 10;
/** Rounds lie this far apart: it keeps the last digits of every time, and so every item's size. */
const roundMs = 100;
/** Rounds written together. */
const chunk = 20;
/** DynamoDB: 25 items a BatchWriteItem. */
const batchSize = 25;

/** @param progress told of the entities made so far */
export async function seed(
  bench: Workbench,
  entities: number,
  progress: (done: number, of: number) => void = () => undefined,
): Promise<Seeded> {
  const begun = performance.now();
  const rounds = Math.ceil(entities / entitiesPerRound);
  let at = standardNow - rounds * roundMs;
  const world = createWorld(bench.backend.registry, bench.tables, mulberry32(1), () => at);
  let items = 0;
  for (let start = 0; start < rounds; start += chunk) {
    const batch: Items = [];
    for (let round = start; round < Math.min(start + chunk, rounds); round += 1) {
      at += roundMs;
      const hasWork = round < roundsWithWork;
      makeRound(world, round, hasWork, (ms) => {
        at += ms;
        return () => {
          at -= ms;
        };
      });
      batch.push(
        ...world.takeItems((topic) => {
          if (!hasWork) return 'done';
          return topic === 'notification' ? 'dead' : topic === 'external-call' ? 'pending' : 'done';
        }),
      );
    }
    if (start + chunk >= rounds) batch.push(...world.balances());
    await write(bench.probe, batch);
    items += batch.length;
    progress(Math.min(start + chunk, rounds) * entitiesPerRound, rounds * entitiesPerRound);
  }
  return { entities: rounds * entitiesPerRound, items, seconds: (performance.now() - begun) / 1000 };
}

export const entitiesPerRound = 30;

/** Thirty entities: each domain in each of its statuses. */
function makeRound(world: World, round: number, hasWork: boolean, later: (ms: number) => () => void): void {
  const number = String(10_000_000 + round);
  const pay = (...moves: string[]): string => {
    const id = world.create('payments', {
      payer: 'alice',
      payee: 'bookshop',
      amount: 1_250,
      currency: 'EUR',
    });
    for (const move of moves) world.move(id, move, move === 'refund' ? { amount: 1_250 } : {});
    return id;
  };
  pay();
  pay('cancel');
  pay('confirm', 'refund');
  const confirmed = pay('confirm');
  const settle = (paymentId: string, ...moves: string[]): void => {
    const id = world.create('settlements', { payee: 'bookshop', currency: 'EUR', paymentIds: [paymentId] });
    for (const move of moves) world.move(id, move, {}, move === 'confirm' ? [paymentId] : []);
  };
  settle(confirmed);
  settle(confirmed, 'cancel');
  settle(pay('confirm'), 'confirm');
  settle(pay('confirm'), 'confirm', 'pay');

  const showing = world.create('showings', { title: 'Evening show', capacity: 50 });
  world.move(world.create('showings', { title: 'Evening show', capacity: 50 }), 'close');
  const hold = (holdSeconds: number): string =>
    world.create('reservations', { showingId: showing, customer: 'ada', holdSeconds });
  // Some are overdue, the others wait.
  hold(hasWork ? 1 : 900);
  world.move(hold(900), 'confirm');
  world.move(hold(900), 'cancel');
  const expiring = hold(1);
  const back = later(1_000);
  world.move(expiring, 'expire');
  back();

  const propose = (...moves: string[]): void => {
    const id = world.create('approvals', {
      title: 'Buy a new press',
      approvers: ['alice', 'carol'],
      quorum: 1,
    });
    for (const move of moves) world.move(id, move);
  };
  propose();
  propose('submit');
  propose('submit', 'approve');
  propose('submit', 'reject');
  propose('withdraw');

  const account = world.create('point-accounts', { owner: 'ada' });
  world.move(account, 'earn', { amount: 100, reason: 'Welcome' });
  world.move(world.create('point-accounts', { owner: 'ada' }), 'close');

  const invite = (name: string, ...moves: string[]): string => {
    const id = world.create('invites', {
      workspace: 'press',
      email: `${name}${number}@example.com`,
      role: 'editor',
    });
    for (const move of moves) world.move(id, move, {});
    return id;
  };
  invite('p');
  invite('r', 'revoke');
  const lapsed = invite('e');
  const backAgain = later(15 * 24 * 60 * 60 * 1_000);
  world.move(lapsed, 'expire');
  backAgain();
  invite('s', 'revoke');

  const article = (name: string, ...moves: string[]): void => {
    const input = { slug: `${name}${number}`, title: 'Hello, world', body: 'It works.\nEvery time.' };
    const id = world.create('articles', input);
    for (const move of moves) world.move(id, move);
  };
  article('d');
  article('p', 'publish');
  article('a', 'publish', 'archive');
}

async function write(client: DynamoDBClient, items: Items): Promise<void> {
  const batches: Items[] = [];
  for (let start = 0; start < items.length; start += batchSize)
    batches.push(items.slice(start, start + batchSize));
  await pMap(
    batches,
    async (batch) => {
      let request: Record<string, WriteRequest[]> = {};
      for (const { table, item } of batch) {
        const Item = marshall(item, { removeUndefinedValues: true });
        (request[table] ??= []).push({ PutRequest: { Item } });
      }
      while (Object.keys(request).length > 0) {
        const { UnprocessedItems = {} } = await client.send(
          new BatchWriteItemCommand({ RequestItems: request }),
        );
        request = UnprocessedItems;
      }
    },
    { concurrency: 4 },
  );
}

/** A small generator of numbers from 0 to 1; the same start gives the same numbers. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
