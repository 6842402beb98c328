/**
 * Cost contracts and the price list.
 *
 *     npm run cost:update     measures what everything costs and writes the contracts, then the README's list
 *     npm run cost:measure    measures CPU times, then writes the README's list
 *     npm run cost:readme     writes the README's list from both files
 */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  contractEntities,
  measureContracts,
  readContracts,
  readCpu,
  writeContracts,
  writeCpu,
} from './agreed.ts';
import { compareContracts } from './contracts.ts';
import { measureCpu } from './cpu.ts';
import { markdownPriceList, withSection } from './price-section.ts';
import { seededStore, withDatabase } from './store.ts';

const readme = path.join(import.meta.dirname, '../../../README.md');
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function update(): Promise<void> {
  const measured = await withDatabase(async (endpoint) => {
    const { bench } = await seededStore(endpoint, { entities: contractEntities });
    print('measuring what everything costs');
    try {
      return await measureContracts(bench);
    } finally {
      bench.close();
    }
  });
  const before = await readContracts().catch(() => ({}));
  for (const difference of compareContracts(before, measured)) print(difference);
  await writeContracts(measured);
}

async function measure(): Promise<void> {
  await writeCpu({
    measuredOn: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
    command: 'npm run cost:measure',
    milliseconds: await withDatabase((endpoint) => {
      print('measuring CPU times');
      return measureCpu(endpoint);
    }),
  });
}

async function writeReadme(): Promise<void> {
  const list = markdownPriceList(await readContracts(), await readCpu());
  await writeFile(readme, withSection(await readFile(readme, 'utf8'), list));
}

const [task] = process.argv.slice(2);
if (task === 'update') await update();
else if (task === 'measure') await measure();
else if (task !== 'readme') throw new Error('say what to do: update, measure or readme');
if (task === 'readme') await writeReadme();
else
  await writeReadme().catch((error: unknown) => {
    // The list needs both files and its place in the README.
    print(`The README's list was not written: ${(error as Error).message}`);
  });
