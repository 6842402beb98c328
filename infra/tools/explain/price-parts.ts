/** Where the dollars of a price go: a line for each thing that is billed, of a request or message and of all that follows. */
import { sum } from './access.ts';
import type { Contracts, CostLine } from './contracts.ts';
import { dollarsOf } from './plan.ts';
import type { Price } from './price-list.ts';

export interface Part {
  readonly what: string;
  /** Of DynamoDB, read or write. */
  readonly units?: number;
  readonly dollars: number;
}

/** What one function does: a request, or a message. */
export interface PricedStep {
  readonly price: Price;
  readonly parts: readonly Part[];
}

/** A price itself, and then each that follows from it. Their parts sum up to its total. */
export const stepsOf = (price: Price, contracts: Contracts): readonly PricedStep[] => [
  { price, parts: partsOf(price, contracts) },
  ...price.next.flatMap((one) => stepsOf(one, contracts)),
];

function partsOf({ name, api, queue, runs }: Price, contracts: Contracts): readonly Part[] {
  const { reads = [], writes = [] } = contracts[name] ?? {};
  const units = (lines: readonly CostLine[], kind: 'readUnits' | 'writeUnits'): readonly Part[] =>
    lines.map(({ item, units: count }) => ({
      what: item,
      units: count,
      dollars: dollarsOf({ readUnits: 0, writeUnits: 0, [kind]: count }),
    }));
  const parts = [
    { what: 'API: the request', dollars: api },
    ...runs.map(({ of, milliseconds, memoryMb, dollars }) => ({
      what: `Lambda: ${of}, one invocation of ${milliseconds} ms with ${memoryMb} MB`,
      dollars,
    })),
    { what: 'queue: sent, received, deleted', dollars: queue },
    ...units(reads, 'readUnits'),
    ...units(writes, 'writeUnits'),
  ];
  return parts.filter(({ dollars }) => dollars > 0);
}

export const totalOf = (steps: readonly PricedStep[]): number =>
  sum(steps.flatMap(({ parts }) => parts.map(({ dollars }) => dollars)));
