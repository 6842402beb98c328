/**
 * Fills a store with entities of every domain in every status. One round of them is made through the API; the others
 * are copies of its items, with other ids and unique values of the same lengths. They cost what real ones do. Their
 * ledgers' hashes and the named accounts stay those of the first round, so such a store is not one to be audited.
 */
import { BatchWriteItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { dueShardOf } from '../../../functions/store/keys.ts';
import { groupOf, statePartitionOf } from '../../../functions/store/outbox/message-items.ts';
import {
  earn,
  invite,
  move,
  open,
  pay,
  payConfirmed,
  propose,
  settlement,
  show,
  write,
  hold,
} from './cases.ts';
import { expire } from './jobs.ts';
import type { Step } from './request-case.ts';
import { Run } from './run.ts';
import { emptyStore, tenant } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export interface Seeded {
  readonly entities: number;
  readonly items: number;
  readonly seconds: number;
}

/** The first rounds leave something to do for the sweeper and the operations routes; the number does not grow. */
const roundsWithWork = 10;
/** The first round is made this long before the workbench's moment; a hold of one second is over by then. */
const madeBeforeMs = 10_000;
/** Rounds written together. */
const chunk = 20;
const tellEvery = 20 * chunk;
/** DynamoDB: 25 items a BatchWriteItem. */
const batchSize = 25;

interface Item {
  readonly table: string;
  readonly item: Readonly<Record<string, unknown>>;
}

const holdFor = (holdSeconds: number): Step => ({ ...hold, body: { ...(hold.body as object), holdSeconds } });
const dayMs = 86_400_000;

/** Thirty entities, each domain in each of its statuses, and how long those wait that expire. */
const round: readonly (readonly [steps: readonly Step[], expiresAfterMs?: number])[] = [
  [[pay]],
  [[pay, move('payments', 'cancel')]],
  [[...payConfirmed, move('payments', 'refund', { amount: 1_250 })]],
  [settlement(1)],
  [[...settlement(1).slice(-1), move('settlements', 'cancel')]],
  [[...settlement(1), move('settlements', 'confirm')]],
  [[...settlement(1), move('settlements', 'confirm'), move('settlements', 'pay')]],
  [[{ ...show, as: 'it' }, move('showings', 'close')]],
  [[show]],
  [[holdFor(1)]],
  [[holdFor(900), move('reservations', 'confirm')]],
  [[holdFor(900), move('reservations', 'cancel')]],
  [[holdFor(1)], 1_000],
  [[propose()]],
  [[propose(), move('approvals', 'submit')]],
  [[propose(), move('approvals', 'submit'), move('approvals', 'approve')]],
  [[propose(), move('approvals', 'submit'), move('approvals', 'reject')]],
  [[propose(), move('approvals', 'withdraw')]],
  [[open, earn]],
  [[open, move('point-accounts', 'close')]],
  [[invite]],
  [[invite, move('invites', 'revoke')]],
  [[invite], 14 * dayMs],
  [[invite, move('invites', 'revoke')]],
  [[write]],
  [[write, move('articles', 'publish')]],
  [[write, move('articles', 'publish'), move('articles', 'archive')]],
];
export const entitiesPerRound = 30;

/** A store of its own on a database, filled; says on stderr how far it is. */
export async function seededStore(
  endpoint: string,
  entities: number,
): Promise<Workbench & { seeded: Seeded }> {
  const bench = await emptyStore(endpoint);
  const seeded = await seed(bench, entities, say);
  say(`${seeded.entities} entities, ${seeded.items} items: seeded in ${seeded.seconds.toFixed(1)} s`);
  return { ...bench, seeded };
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** @param tell told how far it is where that takes minutes */
export async function seed(
  bench: Workbench,
  entities: number,
  tell: (text: string) => void = () => undefined,
): Promise<Seeded> {
  const begun = performance.now();
  const rounds = Math.ceil(entities / entitiesPerRound);
  const made = rounds > 0 ? await makeRound(bench) : [];
  let items = 0;
  for (let start = 0; start < rounds; start += chunk) {
    const numbers = Array.from({ length: Math.min(chunk, rounds - start) }, (_, index) => start + index);
    const copies = numbers.flatMap((number) => copyOf(made, number, bench));
    await putAll(bench.probe, copies);
    items += copies.length;
    const done = start + numbers.length;
    if (done % tellEvery === 0) tell(`seeded ${done * entitiesPerRound} entities`);
  }
  return { entities: rounds * entitiesPerRound, items, seconds: (performance.now() - begun) / 1000 };
}

async function makeRound(bench: Workbench): Promise<readonly Item[]> {
  bench.clock.advance(-madeBeforeMs);
  const run = new Run(bench);
  for (const [steps, expiresAfterMs] of round) {
    await run.prepare(steps);
    const collection = /^POST \/v1\/([^/]+)/.exec(steps[0]?.request ?? '')?.[1] ?? '';
    if (expiresAfterMs !== undefined) await expire(bench, collection, run.id('it'), expiresAfterMs);
  }
  bench.clock.advance(madeBeforeMs);
  const items: Item[] = [];
  for (const table of [bench.tables.data, bench.tables.outbox]) {
    for await (const { Items = [] } of paginateScan({ client: bench.probe }, { TableName: table })) {
      items.push(...Items.map((item) => ({ table, item: unmarshall(item) })));
    }
  }
  return items;
}

/** Ids, unique values, and the hashes of those in keys. */
const names = /[0-9A-HJKMNP-TV-Z]{26}|u1\d{7}|(?<=#unique#\w+#)[\w-]{43}/g;

/** The items of another round: other names of the same lengths, and messages as relay and worker leave them. */
function copyOf(made: readonly Item[], number: number, { tables, clock }: Workbench): readonly Item[] {
  const hasWork = number < roundsWithWork;
  const others = new Map<string, string>();
  const other = (own: string): string => {
    const digits = String(20_000_000 + 100 * number + others.size);
    const found =
      others.get(own) ?? (own.length === 26 ? ulid(clock.now() - number) : own.slice(0, -8) + digits);
    others.set(own, found);
    return found;
  };
  const text = JSON.stringify(made);
  const copy = JSON.parse(number === 0 ? text : text.replace(names, other)) as Item[];
  // All rounds share the named accounts.
  const own = number === 0 ? copy : copy.filter(({ item }) => item['sk'] !== 'balance');
  return own.map(({ table, item }) => ({
    table,
    item: table === tables.outbox ? worked(item, hasWork) : waiting(item, hasWork, clock.now()),
  }));
}

/** What waits is overdue only where there is work to be left. */
function waiting(item: Item['item'], hasWork: boolean, now: number): Item['item'] {
  if (item['dueAt'] === undefined) return item;
  const dueShard = dueShardOf(String(item['id']));
  return { ...item, dueShard, ...(!hasWork && { dueAt: Math.max(Number(item['dueAt']), now + dayMs) }) };
}

/** A message that is done, or, where work is left, dead or still to be sent. */
function worked(message: Item['item'], hasWork: boolean): Item['item'] {
  const { topic, createdAt: at, payload, ...kept } = message;
  if (hasWork && topic === 'external-call') return message;
  const status = hasWork && topic === 'notification' ? 'dead' : 'done';
  return {
    ...kept,
    topic,
    createdAt: at,
    ...(message['sensitive'] !== true && { payload }),
    status,
    attempts: status === 'done' ? 1 : 5,
    sentAt: at,
    statePk: statePartitionOf(tenant, groupOf(status)),
    ...(status === 'done'
      ? {
          doneAt: at,
          result: JSON.stringify({ messageId: '<00000000-0000-4000-8000-000000000000@example.com>' }),
        }
      : { lastError: { code: '500', reason: 'The receiver answered 500.', at } }),
  };
}

async function putAll(client: DynamoDBClient, items: readonly Item[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(items.length / batchSize) }, (_, index) =>
    items.slice(index * batchSize, (index + 1) * batchSize),
  );
  await pMap(
    batches,
    async (batch) => {
      let request: Record<string, WriteRequest[]> = {};
      for (const { table, item } of batch) {
        (request[table] ??= []).push({
          PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) },
        });
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
