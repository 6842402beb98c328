/**
 * Fills a store with entities of every domain in every status. One round of them is made through the API; the others
 * are copies of its items, with other ids and unique values of the same lengths. They cost what real ones do. Their
 * ledgers' hashes and the named accounts stay those of the first round, so such a store is not one to be audited.
 */
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { putAll } from '../../../functions/store/batches.ts';
import { dueShardOf, listPartitions } from '../../../functions/store/keys.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import { groupOf, indexedAs } from '../../../functions/store/outbox/message-items.ts';
import type { MessageStatus } from '../../../functions/store/outbox/message-items.ts';
import {
  earn,
  invite,
  move,
  open,
  pay,
  payCaptured,
  propose,
  settlement,
  show,
  write,
  hold,
} from './cases.ts';
import { expire } from './jobs.ts';
import type { Step } from './request-case.ts';
import { Run } from './run.ts';
import { tenant } from './workbench.ts';
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
/** Rounds written at once, and after how many it is told how far it is. */
const roundsAtOnce = 4;
const tellEvery = 400;

type Item = Readonly<Record<string, unknown>>;
type Table = 'data' | 'outbox';
type Items = Readonly<Record<Table, readonly Item[]>>;

const holdFor = (holdSeconds: number): Step => ({ ...hold, body: { ...(hold.body as object), holdSeconds } });
const dayMs = 86_400_000;

/** Thirty entities, each domain in each of its statuses, and how long those wait that expire. */
const round: readonly (readonly [steps: readonly Step[], expiresAfterMs?: number])[] = [
  [[pay]],
  [[pay, move('payments', 'cancel')]],
  [[...payCaptured, move('payments', 'refund', { amount: 1_250 })]],
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

/** @param tell told how far it is where that takes minutes */
export async function seed(
  bench: Workbench,
  entities: number,
  tell: (text: string) => void = () => undefined,
): Promise<Seeded> {
  const begun = performance.now();
  const rounds = Math.ceil(entities / entitiesPerRound);
  const made = rounds > 0 ? await makeRound(bench) : { data: [], outbox: [] };
  let items = 0;
  let done = 0;
  const put = async (number: number): Promise<void> => {
    for (const [table, copies] of Object.entries(copyOf(made, number, bench.clock.now()))) {
      await putAll(bench.probe, bench.tables[table as Table], copies);
      items += copies.length;
    }
    done += 1;
    if (done % tellEvery === 0) tell(`seeded ${done * entitiesPerRound} entities`);
  };
  await pMap(Array(rounds).keys(), put, { concurrency: roundsAtOnce });
  return { entities: rounds * entitiesPerRound, items, seconds: (performance.now() - begun) / 1000 };
}

async function makeRound(bench: Workbench): Promise<Items> {
  bench.clock.advance(-madeBeforeMs);
  const run = new Run(bench);
  for (const [steps, expiresAfterMs] of round) {
    await run.prepare(steps);
    if (expiresAfterMs !== undefined) await expire(bench, run.id('it'), expiresAfterMs);
  }
  bench.clock.advance(madeBeforeMs);
  const read = async (table: Table): Promise<readonly Item[]> => {
    const items: Item[] = [];
    const pages = paginateScan({ client: bench.probe }, { TableName: bench.tables[table] });
    for await (const { Items = [] } of pages) items.push(...Items);
    return items;
  };
  return { data: await read('data'), outbox: await read('outbox') };
}

/** Ids, unique values, and the hashes of those in keys. */
const names = /[0-9A-HJKMNP-TV-Z]{26}|u1\d{7}|(?<=#unique#\w+#)[\w-]{43}/g;

/** The items of another round: other names of the same lengths, and messages as relay and worker leave them. */
function copyOf(made: Items, number: number, now: number): Items {
  const hasWork = number < roundsWithWork;
  const others = new Map<string, string>();
  const other = (own: string): string => {
    const digits = String(20_000_000 + 100 * number + others.size);
    const found = others.get(own) ?? (own.length === 26 ? ulid(now - number) : own.slice(0, -8) + digits);
    others.set(own, found);
    return found;
  };
  const isFirst = number === 0;
  const text = JSON.stringify(made);
  const { data, outbox } = JSON.parse(isFirst ? text : text.replace(names, other)) as Items;
  return {
    // All rounds share the named accounts.
    data: data
      .filter(({ sk }) => isFirst || sk !== 'balance')
      .map((item) => waiting(listed(item, number), hasWork, now)),
    outbox: outbox.map((message) => worked(message, hasWork)),
  };
}

/** Rounds are dealt to the partitions of their lists in turn, so that each holds as much in every store of one size. */
function listed(item: Item, number: number): Item {
  if (item['listPk'] === undefined) return item;
  const partitions = listPartitions(tenant, item as unknown as EntityItem);
  return { ...item, listPk: partitions[number % partitions.length] };
}

/** What waits is overdue only where there is work to be left. */
function waiting(item: Item, hasWork: boolean, now: number): Item {
  if (item['dueAt'] === undefined) return item;
  const dueShard = dueShardOf(String(item['id']));
  return { ...item, dueShard, ...(!hasWork && { dueAt: Math.max(Number(item['dueAt']), now + dayMs) }) };
}

/** A message that is done, or, where work is left, dead or still to be sent. */
function worked(message: Item, hasWork: boolean): Item {
  const { topic, createdAt: at, sensitive } = message;
  // Its name is another one, and so may be its partition.
  const indexed = (status: MessageStatus): Item => ({
    ...message,
    openPk: undefined,
    closedPk: undefined,
    ...indexedAs({ tenant, id: String(message['id']) }, groupOf(status)),
    status,
  });
  if (hasWork && topic === 'external-call') return indexed(message['status'] as MessageStatus);
  const sent = { sentAt: at, ...(sensitive === true && { payload: undefined }) };
  if (hasWork && topic === 'notification') {
    const lastError = { code: '500', reason: 'The receiver answered 500.', at };
    return { ...indexed('dead'), ...sent, attempts: 5, lastError };
  }
  const result = JSON.stringify({ messageId: '<00000000-0000-4000-8000-000000000000@example.com>' });
  return { ...indexed('done'), ...sent, attempts: 1, doneAt: at, result };
}
