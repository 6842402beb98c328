/**
 * Cost contracts and the price list.
 *
 *     npm run cost:update     measures what everything costs and writes the contracts, then the prices
 *     npm run cost:measure    measures CPU times, then writes the prices
 *     npm run cost:readme     writes PRICES.md, the README's three prices and the console's costs from both files
 */
import { readFile, writeFile } from 'node:fs/promises';
import {
  compareContracts,
  contractEntities,
  measureContracts,
  readContracts,
  writeContracts,
} from './contracts.ts';
import { consoleCosts, consoleCostsFile } from './console-costs.ts';
import { measureCpu, readCpu, writeCpu } from './cpu-times.ts';
import { markdownPriceList, markdownThreePrices, withSection } from './price-section.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';
import { seed } from './seed.ts';
import { emptyStore, withDatabase } from './workbench.ts';

const readme = new URL('../../../README.md', import.meta.url);
const prices = new URL('PRICES.md', import.meta.url);
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function update(): Promise<void> {
  print(`measuring what everything costs on a store of ${contractEntities} entities`);
  const measured = await withDatabase(async (endpoint) => {
    const bench = await emptyStore(endpoint);
    await seed(bench, contractEntities);
    const contracts = await measureContracts(bench);
    bench.close();
    return contracts;
  });
  for (const difference of compareContracts(await readContracts(), measured)) print(difference);
  await writeContracts(measured);
}

async function measure(): Promise<void> {
  print('measuring CPU times');
  await writeCpu(await withDatabase(measureCpu));
}

await runCommand({
  usage: 'usage: npm run cost:update | npm run cost:measure | npm run cost:readme',
  flags: {},
  takesWords: true,
  run: async (_flags, [task = '']) => {
    const first = { update, measure, readme: () => Promise.resolve() }[task];
    if (!first) throw new UsageError('');
    await first();
    const [contracts, cpu] = [await readContracts(), await readCpu()];
    for (const [file, section] of [
      [prices, markdownPriceList(contracts, cpu)],
      [readme, markdownThreePrices(contracts, cpu)],
    ] as const) {
      await writeFile(file, withSection(await readFile(file, 'utf8'), section));
    }
    await writeFile(consoleCostsFile, await consoleCosts(contracts, cpu.milliseconds));
    return 0;
  },
});
