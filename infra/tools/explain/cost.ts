/**
 * Cost contracts and the price list.
 *
 *     npm run cost:update     measures what everything costs and writes the contracts, then the prices
 *     npm run cost:measure    measures CPU times, then writes the prices
 *     npm run cost:readme     writes PRICES.md, the README's three prices and the console's costs from both files
 */
import { writeFile } from 'node:fs/promises';
import {
  compareContracts,
  contractEntities,
  measureContracts,
  readContracts,
  writeContracts,
} from './contracts.ts';
import { measureCpu, readCpu, writeCpu } from './cpu-times.ts';
import { pricedFiles } from './priced-files.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';
import { seed } from './seed.ts';
import { emptyStore, withDatabase } from './workbench.ts';

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
    for (const { file, text } of await pricedFiles(await readContracts(), await readCpu()))
      await writeFile(file, text);
    return 0;
  },
});
