/** The files that are made from the cost contracts and the CPU times. */
import { readFile } from 'node:fs/promises';
import { markdownTable } from 'markdown-table';
import { assumptions, prices, pricesAsOf } from '../../cdk/prices.ts';
import { formatted } from '../formatted.ts';
import { withSection } from '../sections.ts';
import type { Contracts } from './contracts.ts';
import type { MeasuredCpu } from './cpu-times.ts';
import { messagePrices, priceList } from './price-list.ts';
import type { Price } from './price-list.ts';
import { stepsOf, totalOf } from './price-parts.ts';
import { doneOf } from './request-case.ts';

/** Each file as it is to be. */
export async function pricedFiles(
  contracts: Contracts,
  cpu: MeasuredCpu,
): Promise<readonly { readonly file: URL; readonly text: string }[]> {
  const list = priceList(contracts, cpu.milliseconds);
  const filled = async (path: string, section: string): Promise<{ file: URL; text: string }> => {
    const file = new URL(path, import.meta.url);
    return { file, text: withSection(await readFile(file, 'utf8'), 'prices', section) };
  };
  const costs = new URL('../../../functions/console/costs.json', import.meta.url);
  return [
    await filled('PRICES.md', wholeList(list, messagePrices(contracts, cpu.milliseconds), contracts, cpu)),
    await filled('../../../README.md', threePrices(list)),
    { file: costs, text: await formatted(costs, JSON.stringify(consoleCosts(list, contracts))) },
  ];
}

/** What each command costs, for the console. Dollars are for a million, with all that it causes. */
const consoleCosts = (list: readonly Price[], contracts: Contracts): readonly object[] =>
  list
    .filter(({ name }) => name.startsWith('POST '))
    .map(({ name, total }) => {
      const { requests = 0, readUnits = 0, writeUnits = 0 } = contracts[name] ?? {};
      return { name, requests, readUnits, writeUnits, dollars: Number((total * 1e6).toFixed(2)) };
    });

/** What the README shows: a create, a transition with two messages, a command that takes from another entity. */
const shown = ['POST /v1/payments', 'POST /v1/payments/{id}/confirm', 'POST /v1/reservations'];

const threePrices = (list: readonly Price[]): string =>
  table(
    'a million of',
    { dollars: 'total', 'by the stock pattern': 'stock', 'by Step Functions': 'stepFunctions' },
    list.filter(({ name }) => shown.includes(name)),
  );

const after = { 'follow-up': 'followUp', '**total**': 'total' } as const;
const ofRequest = { API: 'api', Lambda: 'function', DynamoDB: 'database', ...after } as const;
const ofMessage = { Lambda: 'function', DynamoDB: 'database', queue: 'queue', ...after } as const;
const otherWays = {
  'stock pattern': 'stock',
  'durable functions': 'durable',
  'Step Functions': 'stepFunctions',
} as const;

/** The message that nothing follows from comes first. */
function wholeList(
  list: readonly Price[],
  messages: readonly Price[],
  contracts: Contracts,
  cpu: MeasuredCpu,
): string {
  const commands = list.filter(({ name, stock }) => stock !== undefined && !/\/(?:un)?lock$/.test(name));
  const others = list.filter((price) => !commands.includes(price));
  // Reads and locks cost the same in every collection, so one stands for all; lists differ.
  const shapes = others.map(({ name }) => name.replace(/\/v1\/[^/]+(?=\/\{id\})/, ''));
  const told = others.filter((_, place) => shapes.indexOf(shapes[place] ?? '') === place);
  const each = (dollars: number): string => `$${(dollars * 1e6).toFixed(3)}`;
  return [
    table('command', { ...ofRequest, ...otherWays }, commands),
    '',
    'A message in the follow-up is counted with what its answer brings about, where the receiver says yes: the worker',
    'commits the transition with the end of the message, and its messages follow.',
    '',
    table('a million messages', ofMessage, messages),
    '',
    '<details><summary>Where it goes, of a plain message and of a confirm</summary>',
    '',
    whereItGoes(messages.slice(0, 1), contracts),
    '',
    whereItGoes(
      list.filter(({ name }) => name === 'POST /v1/payments/{id}/confirm'),
      contracts,
    ),
    '',
    'The first update of a message is its claim, and the other its end; where its answer moves the entity, that is in the',
    'transaction. What is in a transaction takes two units for each item, and an index takes its own.',
    '',
    '</details>',
    '',
    '<details><summary>Queries and other routes</summary>',
    '',
    table('query, or other route', ofRequest, told),
    '',
    '</details>',
    '',
    `List prices of us-east-1, ${pricesAsOf}, with their sources in [\`infra/cdk/prices.ts\`](../../cdk/prices.ts): a million`,
    `write units ${each(prices.tableWriteUnit)}, read units ${each(prices.tableReadUnit)}, queue requests ${each(prices.queueRequest)}. Units come from`,
    '[`infra/tools/explain/cost-contracts.json`](cost-contracts.json), which a test holds; CPU times were',
    `measured on ${cpu.measuredOn} (${cpu.machine}, \`${cpu.command}\`) and are scaled to each function's share of a processor.`,
    `Not measured but assumed: ${assumptions.requestMs} ms for a request to DynamoDB or SQS inside a region and`,
    `${assumptions.receiverMs} ms for a receiver's answer. Each message is counted as if it travelled alone; batches cost less.`,
    'Not counted: storage, logs, traces, data transfer, the start of a function, polls of empty queues, and the free tier.',
  ].join('\n');
}

/** Prices of a million, aligned as prettier aligns them, so that a formatted file stays as it was generated. */
const table = (
  head: string,
  columns: Readonly<Record<string, keyof Price>>,
  rows: readonly Price[],
): string =>
  markdownTable(
    [[head, ...Object.keys(columns)], ...rows.map((price) => [labelOf(price), ...cells(price, columns)])],
    { align: [null, ...Object.keys(columns).map(() => 'r')] },
  );

const cells = (price: Price, columns: Readonly<Record<string, keyof Price>>): readonly string[] =>
  Object.entries(columns).map(([title, key]) => {
    const dollars = (Number(price[key]) * 1e6).toFixed(2);
    return title.startsWith('**') ? `**${dollars}**` : dollars;
  });

/** Each thing that is billed for a million of these, with all that follows. */
function whereItGoes(all: readonly Price[], contracts: Contracts): string {
  const exact = (dollars: number): string => (dollars * 1e6).toFixed(3);
  const rows = all.flatMap((whole) => {
    const steps = stepsOf(whole, contracts);
    return [
      ...steps.flatMap(({ price, parts }) => [
        [`**${headOf(price)}**`, '', `**${exact(price.total - price.followUp)}**`],
        ...parts.map(({ what, units, dollars }) => [what, String(units ?? ''), exact(dollars)]),
      ]),
      ['**total**', '', `**${exact(totalOf(steps))}**`],
    ];
  });
  return markdownTable([['a million of', 'units', 'dollars'], ...rows], { align: [null, 'r', 'r'] });
}

const headOf = (price: Price): string => (price.api > 0 ? labelOf(price) : `the message ${labelOf(price)}`);

function labelOf({ name }: Price): string {
  if (/^(?:GET|POST) /.test(name)) return `\`${name}\``;
  const done = doneOf(name);
  return done === undefined ? 'that nothing follows from' : `then \`${done}\``;
}
