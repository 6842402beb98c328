/**
 * Cost contracts and the price list.
 *
 *     npm run cost:update     measures what everything costs and writes the contracts, then the prices
 *     npm run cost:measure    measures CPU times, then writes the prices
 *     npm run cost:readme     writes PRICES.md, the README's three prices and the console's costs from both files
 */
import { writeFile } from 'node:fs/promises';
import { runCommand, UsageError } from '../../local/command-line.ts';
import {
  compareContracts,
  contractEntities,
  measureContracts,
  readContracts,
  writeContracts,
} from './contracts.ts';
import { measureCpu, readCpu } from './cpu-times.ts';
import { pricedFiles } from './priced-files.ts';
import { withSeeded } from './seed.ts';

async function update(): Promise<void> {
  console.log(`measuring what everything costs on a store of ${contractEntities} entities`);
  const measured = await withSeeded({ entities: contractEntities }, (bench) => measureContracts(bench));
  for (const difference of compareContracts(await readContracts(), measured)) console.log(difference);
  await writeContracts(measured);
}

async function measure(): Promise<void> {
  console.log('measuring CPU times');
  await withSeeded({ entities: 1_000, recorded: false }, measureCpu);
}

await runCommand({
  usage: 'usage: npm run cost:update | npm run cost:measure | npm run cost:readme',
  flags: {},
  takesWords: true,
  run: async (_flags, [task]) => {
    if (task === 'update') await update();
    else if (task === 'measure') await measure();
    else if (task !== 'readme') throw new UsageError('');
    for (const { file, text } of await pricedFiles(await readContracts(), await readCpu()))
      await writeFile(file, text);
    return 0;
  },
});
