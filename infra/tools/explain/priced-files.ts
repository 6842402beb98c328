/** The files that are made from the cost contracts and the CPU times. */
import { readFile } from 'node:fs/promises';
import { formatted } from './contracts.ts';
import type { Contracts } from './contracts.ts';
import type { MeasuredCpu } from './cpu-times.ts';
import { priceList } from './price-list.ts';
import { markdownPriceList, markdownThreePrices } from './price-section.ts';

const [start, end] = ['<!-- prices:start -->', '<!-- prices:end -->'] as const;

/** Puts a section between its marks; what stood there goes. */
export function withSection(text: string, section: string): string {
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the text has no place for the list: ${start} and ${end}`);
  return `${text.slice(0, from + start.length)}\n\n${section}\n\n${text.slice(to)}`;
}

/** Each file as it is to be. */
export async function pricedFiles(
  contracts: Contracts,
  cpu: MeasuredCpu,
): Promise<readonly { readonly file: URL; readonly text: string }[]> {
  const filled = async (path: string, section: string): Promise<{ file: URL; text: string }> => {
    const file = new URL(path, import.meta.url);
    return { file, text: withSection(await readFile(file, 'utf8'), section) };
  };
  const costs = new URL('../../../functions/console/costs.json', import.meta.url);
  return [
    await filled('PRICES.md', markdownPriceList(contracts, cpu)),
    await filled('../../../README.md', markdownThreePrices(contracts, cpu)),
    { file: costs, text: await formatted(costs, JSON.stringify(consoleCosts(contracts, cpu))) },
  ];
}

/** What each command costs, for the console. Dollars are for a million, with all that it causes. */
const consoleCosts = (contracts: Contracts, cpu: MeasuredCpu): readonly object[] =>
  priceList(contracts, cpu.milliseconds)
    .filter(({ name }) => name.startsWith('POST '))
    .map(({ name, total }) => {
      const { requests = 0, readUnits = 0, writeUnits = 0 } = contracts[name] ?? {};
      return { name, requests, readUnits, writeUnits, dollars: Number((total * 1e6).toFixed(2)) };
    });
