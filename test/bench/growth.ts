/**
 * `npm run bench -- --growth`: what a command costs as the store grows: by stored entities, by the length of a ledger, by
 * messages a command, by tenants. One thing grows at a time, on tables of its own, in one process with DynamoDB Local.
 */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { defineDomain } from '../../functions/core/definition.ts';
import { integer } from '../../functions/core/fields.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { putAll } from '../../functions/store/batches.ts';
import { entityKey, entryKey, listPartitionOf } from '../../functions/store/keys.ts';
import type { EntityItem, EntryItem } from '../../functions/store/entities/items.ts';
import type { Request, Workbench } from '../../infra/tools/explain/workbench.ts';
import { median } from './load.ts';

const tenant = 'acme';
const rounds = 3;
const commandsARound = 300;
const manyCallers = 16;
const batchMost = 25;

const entityCounts = [1_000, 100_000, 1_000_000];
const ledgerLengths = [1, 100, 10_000];
const messageCounts = [0, 1, 2, 5, 10];
const tenantCounts = [1, 100, 1_000];

/** Sends as many messages as it is asked for. */
const letters = defineDomain({
  collection: 'letters',
  type: 'letter',
  idPrefix: 'ltr',
  summary: 'A letter with copies.',
  states: ['sent'],
  attributes: { copies: integer(0, 10, 2) },
  create: {
    summary: 'Send it',
    input: { copies: integer(0, 10, 2) },
    messages: {
      topic: 'notification',
      type: 'letter.copy',
      atMost: 10,
      payload: ({ input }) =>
        Array.from({ length: input.copies }, (_, n) => ({
          to: 'ada@example.com',
          subject: `Copy ${n + 1}`,
          text: 'As was agreed.',
        })),
    },
  },
  transitions: {},
});

export type Open = (domains?: readonly Domain[]) => Promise<Workbench>;
type Item = Record<string, unknown>;
type PrintRow = (cells: readonly string[]) => void;

/** Progress, beside the result. */
const told = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** @param open a workbench on empty tables, by these definitions */
export async function growth(open: Open, printRow: PrintRow): Promise<void> {
  const head = [
    'what grows',
    'to',
    'command',
    'callers',
    'commands/s',
    'requests',
    'write units',
    'read units',
  ];
  printRow(head);
  printRow(head.map(() => '---'));
  await byEntities(open, printRow);
  await byLedger(open, printRow);
  await byMessages(open, printRow);
  await byTenants(open, printRow);
}

const payment = (of: string = tenant): Request => ({
  method: 'POST',
  path: '/v1/payments',
  tenant: of,
  body: { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' },
});

async function byEntities(open: Open, printRow: PrintRow): Promise<void> {
  const bench = await open();
  let stored = 0;
  for (const count of entityCounts) {
    await copyPayments(bench, count - stored);
    stored = count;
    const row = async (command: string, request: (n: number) => Request): Promise<void> => {
      printRow(['stored entities', String(count), command, ...(await cellsOf(bench, manyCallers, request))]);
    };
    await row('create a payment', () => payment());
    const ids = await pMap(
      Array.from({ length: rounds * commandsARound + 1 }),
      async () => String((await sent(bench, payment()))['id']),
      { concurrency: manyCallers },
    );
    await row('confirm it', (n) => ({ method: 'POST', path: `/v1/payments/${ids[n] ?? ''}/confirm` }));
    await row('read one', (n) => ({ method: 'GET', path: `/v1/payments/${ids[n] ?? ''}` }));
    await row('list 20 by status', () => ({ method: 'GET', path: '/v1/payments?status=pending&limit=20' }));
  }
  bench.close();
}

/** The same account again and again, so one caller: it waits for itself. */
async function byLedger(open: Open, printRow: PrintRow): Promise<void> {
  for (const length of ledgerLengths) {
    const bench = await open();
    const id = String(
      (await sent(bench, { method: 'POST', path: '/v1/point-accounts', body: { owner: 'alice' } }))['id'],
    );
    const earn = (): Request => ({
      method: 'POST',
      path: `/v1/point-accounts/${id}/earn`,
      body: { amount: 10, reason: 'a purchase' },
    });
    await lengthen(bench, id, length);
    const command = (name: string, cells: readonly string[]): void => {
      printRow(['entries of its ledger', String(length), name, ...cells]);
    };
    command('earn points', await cellsOf(bench, 1, earn));
    command(
      'read the first 20 entries',
      await cellsOf(bench, 1, () => ({
        method: 'GET',
        path: `/v1/point-accounts/${id}/ledger?limit=20`,
      })),
    );
    bench.close();
  }
}

async function byMessages(open: Open, printRow: PrintRow): Promise<void> {
  for (const copies of messageCounts) {
    const bench = await open([letters]);
    const cells = await cellsOf(bench, manyCallers, () => ({
      method: 'POST',
      path: '/v1/letters',
      body: { copies },
    }));
    printRow(['messages a command', String(copies), 'create a letter', ...cells]);
    bench.close();
  }
}

async function byTenants(open: Open, printRow: PrintRow): Promise<void> {
  for (const count of tenantCounts) {
    const bench = await open();
    const cells = await cellsOf(bench, manyCallers, (n) => payment(`tenant-${n % count}`));
    printRow(['tenants', String(count), 'create a payment', ...cells]);
    bench.close();
  }
}

/** @throws where a request is refused */
async function sent(bench: Workbench, request: Request): Promise<Readonly<Record<string, unknown>>> {
  const { status, json } = await bench.send(request);
  if (status >= 300) throw new Error(`${request.method} ${request.path} was answered ${status}`);
  return json;
}

/** Medians of some rounds, and what one more of the same costs. @param request the n-th of all */
async function cellsOf(
  bench: Workbench,
  callers: number,
  request: (n: number) => Request,
): Promise<readonly string[]> {
  let n = 0;
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    const each = async (): Promise<void> => {
      await sent(bench, request(n++));
    };
    await pMap(Array.from({ length: commandsARound }), each, { concurrency: callers });
    rates.push(commandsARound / ((performance.now() - began) / 1_000));
  }
  const last = request(n);
  const work = { sent: last.path, send: () => bench.send(last) };
  const plan = await bench.recorder.record(last.path, work);
  if (plan.status >= 300) throw new Error(`${last.path} was answered ${plan.status}`);
  const [slowest, fastest] = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0));
  return [
    String(callers),
    `${median(rates).toFixed(0)} (${slowest}-${fastest})`,
    ...[plan.requests, plan.writeUnits, plan.readUnits].map(String),
  ];
}

/** Stores more payments, each as a creation has left it, but for its ledger entry: no other command reads that. */
async function copyPayments(bench: Workbench, count: number): Promise<void> {
  const { data } = bench.tables;
  const id = String((await sent(bench, payment()))['id']);
  const { Item } = await bench.probe.send(new GetCommand({ TableName: data, Key: entityKey(tenant, id) }));
  const first = Item as EntityItem;
  await store(bench, count, () => {
    const copy = { ...first, id: `pay_${ulid()}` };
    return { ...copy, ...entityKey(tenant, copy.id), listSk: copy.id, listPk: listPartitionOf(tenant, copy) };
  });
}

/** Gives an account as many ledger entries. They are copies of its first one: no command reads those before. */
async function lengthen(bench: Workbench, id: string, length: number): Promise<void> {
  const { data } = bench.tables;
  const { Item } = await bench.probe.send(new GetCommand({ TableName: data, Key: entryKey(tenant, id, 1) }));
  const first = Item as EntryItem;
  let seq = 1;
  await store(bench, length - 1, () => {
    seq += 1;
    return { ...first, ...entryKey(tenant, id, seq), seq };
  });
  await bench.probe.send(
    new UpdateCommand({
      TableName: data,
      Key: entityKey(tenant, id),
      UpdateExpression: 'SET version = :length',
      ExpressionAttributeValues: { ':length': length },
    }),
  );
}

/** Stores copies, and tells how far it is where that takes minutes. */
async function store({ probe, tables }: Workbench, count: number, next: () => Item): Promise<void> {
  let written = 0;
  const put = async (size: number): Promise<void> => {
    await putAll(probe, tables.data, Array.from({ length: size }, next));
    written += size;
    if (written % 50_000 === 0) told(`${written} of ${count} stored`);
  };
  const batches = Array.from({ length: Math.ceil(count / batchMost) }, (_, batch) =>
    Math.min(batchMost, count - batch * batchMost),
  );
  await pMap(batches, put, { concurrency: 8 });
}
