/** What each command costs, for the console: made from the cost contracts, as the price list is. */
import { format, resolveConfig } from 'prettier';
import type { Contracts } from './contracts.ts';
import type { CpuTimes } from './cpu-times.ts';
import { priceList } from './price-list.ts';

export const consoleCostsFile = new URL('../../../functions/console/costs.json', import.meta.url);

/** As the file is to be. Dollars are for a million, with all that a command causes. */
export async function consoleCosts(contracts: Contracts, cpu: CpuTimes): Promise<string> {
  const costs = priceList(contracts, cpu)
    .filter(({ name }) => name.startsWith('POST '))
    .map(({ name, total }) => {
      const { requests = 0, readUnits = 0, writeUnits = 0 } = contracts[name] ?? {};
      return { name, requests, readUnits, writeUnits, dollars: Number((total * 1e6).toFixed(2)) };
    });
  const style = await resolveConfig(consoleCostsFile);
  return format(JSON.stringify(costs), { ...style, parser: 'json' });
}
