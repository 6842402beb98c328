/** The price list, and the three prices of the README. */
import { markdownTable } from 'markdown-table';
import { assumptions, prices, pricesAsOf } from '../../cdk/prices.ts';
import type { MeasuredCpu } from './cpu-times.ts';
import type { Contracts } from './contracts.ts';
import { messagePrices, priceList } from './price-list.ts';
import type { MessagePrice, Price } from './price-list.ts';

/** What the README shows: a create, a transition with two messages, a command that takes from another entity. */
const shown = ['POST /v1/payments', 'POST /v1/payments/{id}/confirm', 'POST /v1/reservations'];

/** Three prices beside those of the same work done otherwise, dollars for a million. */
export function markdownThreePrices(contracts: Contracts, cpu: MeasuredCpu): string {
  const list = priceList(contracts, cpu.milliseconds);
  const rows = shown.map((name) => {
    const price = list.find((one) => one.name === name);
    if (!price?.beside) throw new Error(`${name} has no price to compare`);
    const { total, beside } = price;
    return [`\`${name}\``, ...[total, beside.stock, beside.stepFunctions].map(perMillion)];
  });
  return table(['a million of', 'dollars', 'by the stock pattern', 'by Step Functions'], rows);
}

export function markdownPriceList(contracts: Contracts, cpu: MeasuredCpu): string {
  const list = priceList(contracts, cpu.milliseconds);
  const commands = list.filter(({ name, beside }) => beside && !/\/(?:un)?lock$/.test(name));
  const others = list.filter((price) => !commands.includes(price) && isTold(price, list));
  const each = (prefix: string): string => `$${(priceOf(prefix) * 1e6).toFixed(3)}`;
  const priceOf = (name: string): number => (prices as Readonly<Record<string, number>>)[name] ?? 0;
  return [
    'Dollars for a million requests, with everything they cause: API Gateway, Lambda, DynamoDB with its indexes, and',
    'for each message and timer the relay, the queue and the worker. Beside them the same work done otherwise.',
    '',
    table(
      [
        'command',
        'API',
        'Lambda',
        'DynamoDB',
        'follow-up',
        '**total**',
        'stock pattern',
        'durable functions',
        'Step Functions',
      ],
      commands.map(({ beside, ...price }) => [
        `\`${price.name}\``,
        ...parts(price),
        ...[beside?.stock, beside?.durable, beside?.stepFunctions].map((of) => perMillion(of ?? 0)),
      ]),
    ),
    '',
    'A message in the follow-up is counted with what its answer brings about, where the receiver says yes: the worker',
    'commits the transition with the end of the message, and its messages follow.',
    '',
    table(
      ['a million messages', 'Lambda', 'DynamoDB', 'queue', 'follow-up', '**total**'],
      messagePrices(contracts, cpu.milliseconds).map(({ done, ...price }) => [
        done === undefined ? 'that nothing follows from' : `then \`${done}\``,
        ...partsOfMessage(price),
      ]),
    ),
    '',
    '<details><summary>Queries and other routes</summary>',
    '',
    table(
      ['query, or other route', 'API', 'Lambda', 'DynamoDB', 'follow-up', '**total**'],
      others.map((price) => [`\`${price.name}\``, ...parts(price)]),
    ),
    '',
    '</details>',
    '',
    `List prices of us-east-1, ${pricesAsOf}, with their sources in [\`infra/cdk/prices.ts\`](../../cdk/prices.ts): a million`,
    `write units ${each('tableWriteUnit')}, read units ${each('tableReadUnit')}, queue requests ${each('queueRequest')}. Units come from`,
    '[`infra/tools/explain/cost-contracts.json`](cost-contracts.json), which a test holds; CPU times were',
    `measured on ${cpu.measuredOn} (${cpu.machine}, \`${cpu.command}\`) and are scaled to each function's share of a processor.`,
    `Not measured but assumed: ${assumptions.requestMs} ms for a request to DynamoDB or SQS inside a region and`,
    `${assumptions.receiverMs} ms for a receiver's answer. Each message is counted as if it travelled alone; batches cost less.`,
    '_Stock pattern_ is Powertools with its own DynamoDB store around the same transaction and outbox. _Durable',
    'functions_ and _Step Functions Standard_ are counted with the fewest steps: one for the command, one a',
    'message, and two where something is waited for.',
    `A line of a statement or of a list by attribute is in no price: it is one write unit, ${each('tableWriteUnit')} a million,`,
    'and a share of a function that takes up to 100 entries at once.',
  ].join('\n');
}

/** Reads and locks cost the same in every collection, so one stands for all; lists differ. */
function isTold({ name }: Price, list: readonly Price[]): boolean {
  const [, shape] = /^(\S+ \/v1\/)[^/]+(\/\{id\}.*)$/.exec(name)?.slice(1) ?? [];
  if (shape === undefined) return true;
  const first = list.find(
    (other) => other.name.endsWith(shape) && other.name.startsWith(name.split('/v1/')[0] ?? ''),
  );
  return first?.name === name;
}

const parts = (price: Omit<Price, 'beside'>): string[] => [
  ...[price.api, price.function, price.database, price.followUp].map(perMillion),
  `**${perMillion(price.total)}**`,
];

const partsOfMessage = ({ function: fn, database, queue, followUp, total }: MessagePrice): string[] => [
  ...[fn, database, queue, followUp].map(perMillion),
  `**${perMillion(total)}**`,
];

const perMillion = (dollars: number): string => (dollars * 1e6).toFixed(2);

/** Aligned as prettier aligns it, so that a formatted README stays as it was generated. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable([head, ...rows], { align: head.map((_, column) => (column === 0 ? null : 'r')) });
