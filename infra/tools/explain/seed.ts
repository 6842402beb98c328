/**
 * Fills a store with entities of every domain. One round of them is made by the cases; the others are copies of its
 * items, with other ids of the same length. They cost what real ones do. Their ledgers' hashes stay those of the first
 * round, and neither named accounts nor unique values are there, so such a store is not one to be audited.
 */
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { putAll } from '../../../functions/store/batches.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import { dueShardOf, listPartitions } from '../../../functions/store/keys.ts';
import { groupOf, indexedAs } from '../../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { answerCases, casesOf, deadlineCases } from './cases.ts';
import { routeOf, stepOfCase } from './request-case.ts';
import { createRun } from './run.ts';
import { emptyStore, standardNow, tenant, withDatabase } from './workbench.ts';
import type { Workbench, WorkbenchOptions } from './workbench.ts';

/** The first rounds leave something to do for the sweeper and the operations routes; the number does not grow. */
const roundsWithWork = 3;
/** Rounds written at once, and after how many it is told how far it is. */
const roundsAtOnce = 4;
const tellEvery = 400;
const minuteMs = 60_000;
const dayMs = 86_400_000;

type Item = Readonly<Record<string, unknown>>;
type Items = Readonly<Record<'data' | 'outbox', readonly Item[]>>;

/** Runs work on a store of so many entities, which is thrown away. */
export const withSeeded = <Result>(
  { entities, ...options }: Pick<WorkbenchOptions, 'recorded'> & { readonly entities: number },
  work: (bench: Workbench) => Promise<Result>,
  tell?: (text: string) => void,
): Promise<Result> =>
  withDatabase(async (endpoint) => {
    const bench = await emptyStore(endpoint, options);
    await seed(bench, entities, tell);
    const result = await work(bench);
    bench.close();
    return result;
  });

/** @param tell told how far it is where that takes minutes */
export async function seed(bench: Workbench, entities: number, tell?: (text: string) => void): Promise<void> {
  if (entities === 0) return;
  const begun = performance.now();
  const round = await makeRound(bench);
  const perRound = round.data.filter(({ sk }) => sk === 'entity').length;
  const rounds = Math.ceil(entities / perRound);
  const put = async (place: number): Promise<void> => {
    const { data, outbox } = copyOf(round, place);
    await putAll(bench.probe, bench.tables.data, data);
    await putAll(bench.probe, bench.tables.outbox, outbox);
    const number = place + 1;
    if (number % tellEvery !== 0 && number !== rounds) return;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    tell?.(`${number * perRound} entities seeded in ${seconds} s`);
  };
  await pMap(Array(rounds).keys(), put, { concurrency: roundsAtOnce });
}

/** What every command in its plainest form, every answer and every deadline leave behind. */
async function makeRound(bench: Workbench): Promise<Items> {
  const { registry } = bench.backend;
  const all = casesOf(registry);
  const commands = all.filter(({ name }) => /^POST (?!.*lock$)/.test(name));
  const plainest = commands.filter(
    (one) => commands.find((other) => routeOf(other) === routeOf(one)) === one,
  );
  for (const [place, one] of [
    ...plainest,
    ...answerCases(registry),
    ...deadlineCases(registry, all),
  ].entries()) {
    bench.clock.ahead = 0;
    // Each in a tenant of its own: they take the same unique values.
    await createRun(bench, `seed${1_000 + place}`).prepare([...(one.before ?? []), stepOfCase(one)]);
  }
  bench.clock.ahead = 0;
  const read = async (table: keyof Items): Promise<readonly Item[]> => {
    const items: Item[] = [];
    const pages = paginateScan({ client: bench.probe }, { TableName: bench.tables[table] });
    for await (const { Items = [] } of pages) items.push(...Items);
    // In the order of the cases, so that each page of a list holds the same in every store.
    const placeOf = ({ pk, sk }: Item): string => `${String(pk)} ${String(sk)}`;
    return items.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  };
  return {
    // All rounds would write the same named accounts and unique values.
    data: (await read('data')).filter(({ sk }) => sk !== 'balance' && sk !== 'unique'),
    // Beside the messages lies what callbacks find them by.
    outbox: (await read('outbox')).filter(({ stateSk }) => stateSk !== undefined),
  };
}

/** The items of another round: other ids in one tenant, and messages as relay and worker leave them. */
function copyOf(round: Items, number: number): Items {
  const hasWork = number < roundsWithWork;
  const ids = new Map<string, string>();
  const another = (own: string): string => {
    const id = ids.get(own) ?? ulid(standardNow - 1_000 * number - ids.size);
    ids.set(own, id);
    return id;
  };
  const text = JSON.stringify(round)
    .replace(/seed\d{4}/g, tenant)
    .replace(/[0-9A-HJKMNP-TV-Z]{26}/g, another);
  const { data, outbox } = JSON.parse(text) as Items;
  return {
    data: data.map((item) => ({ ...item, ...listed(item, number), ...waiting(item, hasWork) })),
    outbox: outbox.map((message) => worked(message as unknown as MessageItem, hasWork)),
  };
}

/** Rounds are dealt to the partitions of their lists in turn, so that each holds as much in every store of one size. */
function listed(item: Item, number: number): Item {
  if (item['listPk'] === undefined) return {};
  const partitions = listPartitions(tenant, item as unknown as EntityItem);
  return { listPk: partitions[number % partitions.length] };
}

/** What waits is overdue only where there is work to be left. */
function waiting({ id, dueAt }: Item, hasWork: boolean): Item {
  if (dueAt === undefined) return {};
  const due = hasWork ? standardNow - minuteMs : Math.max(Number(dueAt), standardNow + dayMs);
  return { dueShard: dueShardOf(String(id)), dueAt: due };
}

/** A message that is done, or, where work is left, dead or still to be sent. */
function worked(message: MessageItem, hasWork: boolean): Item {
  const { topic, createdAt: at, status } = message;
  const code = '500';
  const dead = {
    status: 'dead',
    ...{ sentAt: at, attempts: 5, died: { code, at: Date.parse(at) } },
    lastError: { code, reason: 'The receiver answered 500.', at },
  } as const;
  const result = JSON.stringify({ messageId: '<00000000-0000-4000-8000-000000000000@example.com>' });
  const done = { status: 'done', sentAt: at, attempts: 1, doneAt: at, result } as const;
  const left = topic === 'external-call' ? { status } : topic === 'notification' ? dead : done;
  const became = hasWork ? left : done;
  return {
    ...message,
    ...became,
    ...('sentAt' in became && message.sensitive === true && { payload: undefined }),
    // Its name is another one, and so may be its partition.
    ...{ openPk: undefined, closedPk: undefined },
    ...indexedAs({ tenant, id: message.id }, groupOf(became.status)),
  };
}
