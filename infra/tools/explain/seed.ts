/**
 * Fills a store with entities of every domain. One round of them is made by the cases; the others are copies of its
 * items, with other ids and unique values of the same lengths. They cost what real ones do. Their ledgers' hashes stay those
 * of the first round, and no named account is there, so such a store is not one to be audited.
 */
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import type { Registry } from '../../../functions/core/registry.ts';
import { putAll } from '../../../functions/store/batches.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import { dueShardOf, listPartitions } from '../../../functions/store/keys.ts';
import { groupOf, indexedAs } from '../../../functions/store/outbox/message-items.ts';
import type { MessageStatus } from '../../../functions/store/outbox/message-items.ts';
import { casesOf } from './cases.ts';
import { answerCases, deadlineCases } from './example-cases.ts';
import { routeOf } from './request-case.ts';
import type { Case } from './request-case.ts';
import { Run } from './run.ts';
import { standardNow, tenant } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export interface Seeded {
  readonly entities: number;
  readonly items: number;
  readonly seconds: number;
}

/** The first rounds leave something to do for the sweeper and the operations routes; the number does not grow. */
const roundsWithWork = 3;
/** Rounds written at once, and after how many it is told how far it is. */
const roundsAtOnce = 4;
const tellEvery = 400;
const dayMs = 86_400_000;

type Item = Readonly<Record<string, unknown>>;
type Table = 'data' | 'outbox';
type Items = Readonly<Record<Table, readonly Item[]>>;

/** @param tell told how far it is where that takes minutes */
export async function seed(
  bench: Workbench,
  entities: number,
  tell: (text: string) => void = () => undefined,
): Promise<Seeded> {
  const begun = performance.now();
  const round = entities > 0 ? await makeRound(bench) : { data: [], outbox: [] };
  const perRound = Math.max(1, round.data.filter(({ sk }) => sk === 'entity').length);
  const rounds = Math.ceil(entities / perRound);
  const put = async (number: number): Promise<void> => {
    const copy = copyOf(round, number);
    await putAll(bench.probe, bench.tables.data, copy.data);
    await putAll(bench.probe, bench.tables.outbox, copy.outbox);
    if (number % tellEvery === tellEvery - 1) tell(`seeded ${(number + 1) * perRound} entities`);
  };
  await pMap(Array(rounds).keys(), put, { concurrency: roundsAtOnce });
  const items = rounds * (round.data.length + round.outbox.length);
  return { entities: rounds * perRound, items, seconds: (performance.now() - begun) / 1000 };
}

/** Every command in its plainest form, every answer, every deadline. */
function seeding(registry: Registry): readonly Case[] {
  const all = casesOf(registry);
  const commands = all.filter(({ name }) => /^POST (?!.*lock$)/.test(name));
  return [
    ...commands.filter((one) => commands.find((other) => routeOf(other) === routeOf(one)) === one),
    ...answerCases(registry),
    ...deadlineCases(registry, all),
  ];
}

/** What the cases leave behind, each in a tenant of its own: they take the same unique values. */
async function makeRound(bench: Workbench): Promise<Items> {
  for (const [place, { before = [], ...step }] of seeding(bench.backend.registry).entries()) {
    bench.clock.ahead = 0;
    await new Run(bench, `seed${1_000 + place}`).prepare([...before, step]);
  }
  bench.clock.ahead = 0;
  const read = async (table: Table): Promise<readonly Item[]> => {
    const items: Item[] = [];
    const pages = paginateScan({ client: bench.probe }, { TableName: bench.tables[table] });
    for await (const { Items = [] } of pages) items.push(...Items);
    // In the order of the cases, so that each page of a list holds the same in every store.
    return items.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  };
  return {
    // All rounds would write the same named accounts.
    data: (await read('data')).filter(({ sk }) => sk !== 'balance'),
    // Beside the messages lies what callbacks find them by.
    outbox: (await read('outbox')).filter(({ stateSk }) => stateSk !== undefined),
  };
}

const placeOf = ({ pk, sk }: Item): string => `${String(pk)} ${String(sk)}`;

/** Ids, the keys of unique values, and the tenants in which they were made. */
const names = /[0-9A-HJKMNP-TV-Z]{26}|seed\d{4}(?:#unique#\w+#[\w-]{43})?/g;

/** The items of another round: other names of the same lengths, and messages as relay and worker leave them. */
function copyOf(round: Items, number: number): Items {
  const hasWork = number < roundsWithWork;
  const others = new Map<string, string>();
  const other = (own: string): string => {
    const found = others.get(own) ?? another(own, number, others.size);
    others.set(own, found);
    return found;
  };
  const { data, outbox } = JSON.parse(JSON.stringify(round).replace(names, other)) as Items;
  return {
    data: data.map((item) => waiting(listed(item, number), hasWork)),
    outbox: outbox.map((message) => worked(message, hasWork)),
  };
}

function another(own: string, round: number, place: number): string {
  const [, ofTenant] = /^seed\d{4}(.*)$/.exec(own) ?? [];
  if (ofTenant === undefined) return ulid(standardNow - 1_000 * round - place);
  return ofTenant === '' ? tenant : `${tenant}${ofTenant.slice(0, -8)}${10_000_000 + 1_000 * round + place}`;
}

/** Rounds are dealt to the partitions of their lists in turn, so that each holds as much in every store of one size. */
function listed(item: Item, number: number): Item {
  if (item['listPk'] === undefined) return item;
  const partitions = listPartitions(tenant, item as unknown as EntityItem);
  return { ...item, listPk: partitions[number % partitions.length] };
}

/** What waits is overdue only where there is work to be left. */
function waiting(item: Item, hasWork: boolean): Item {
  if (item['dueAt'] === undefined) return item;
  const dueAt = hasWork ? standardNow - 1_000 : Math.max(Number(item['dueAt']), standardNow + dayMs);
  return { ...item, dueShard: dueShardOf(String(item['id'])), dueAt };
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
    return {
      ...indexed('dead'),
      ...sent,
      attempts: 5,
      lastError,
      died: { code: '500', at: Date.parse(String(at)) },
    };
  }
  const result = JSON.stringify({ messageId: '<00000000-0000-4000-8000-000000000000@example.com>' });
  return { ...indexed('done'), ...sent, attempts: 1, doneAt: at, result };
}
