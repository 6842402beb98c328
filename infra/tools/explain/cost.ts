/**
 * Cost contracts and the price list.
 *
 *     npm run cost:update     measures what everything costs and writes the contracts, then the README's list
 *     npm run cost:measure    measures CPU times, then writes the README's list
 *     npm run cost:readme     writes the README's list from both files
 */
import { readFile, writeFile } from 'node:fs/promises';
import {
  compareContracts,
  contractEntities,
  measureContracts,
  readContracts,
  writeContracts,
} from './contracts.ts';
import { measureCpu, readCpu, writeCpu } from './cpu-times.ts';
import { markdownPriceList, withSection } from './price-section.ts';
import { seed } from './seed.ts';
import { emptyStore, withDatabase } from './workbench.ts';

const readme = new URL('../../../README.md', import.meta.url);
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function update(): Promise<void> {
  const measured = await withDatabase(async (endpoint) => {
    const bench = await emptyStore(endpoint);
    await seed(bench, contractEntities);
    print('measuring what everything costs');
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

const [task] = process.argv.slice(2);
if (task === 'update') await update();
else if (task === 'measure') await measure();
else if (task !== 'readme') throw new Error('say what to do: update, measure or readme');
const list = markdownPriceList(await readContracts(), await readCpu());
await writeFile(readme, withSection(await readFile(readme, 'utf8'), list));
