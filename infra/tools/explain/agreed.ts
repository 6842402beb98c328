/** The two files that the price list is made from, and the way to measure what belongs into them. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { cases } from './cases.ts';
import { contractOf, formatContracts } from './contracts.ts';
import type { Contracts } from './contracts.ts';
import type { CpuTimes } from './cpu.ts';
import { jobs } from './jobs.ts';
import { inOrder, measure } from './run.ts';
import type { Case } from './run.ts';
import type { Workbench } from './workbench.ts';

const contractsFile = path.join(import.meta.dirname, 'cost-contracts.json');
const cpuFile = path.join(import.meta.dirname, 'cpu-times.json');

/** CPU times as they were measured once; they differ from machine to machine, so no test compares them. */
export interface MeasuredCpu {
  readonly measuredOn: string;
  readonly machine: string;
  readonly command: string;
  readonly milliseconds: CpuTimes;
}

/** Entities of the store that contracts are measured on: enough to fill a page of every list. */
export const contractEntities = 750;

export async function readContracts(): Promise<Contracts> {
  return JSON.parse(await readFile(contractsFile, 'utf8')) as Contracts;
}

export async function readCpu(): Promise<MeasuredCpu> {
  return JSON.parse(await readFile(cpuFile, 'utf8')) as MeasuredCpu;
}

/** Whether a route is of a collection of which nothing was agreed yet; `npm run cost:update` does so. */
export function isNew(contracts: Contracts, name: string): boolean {
  const collectionOf = (route: string): string | undefined => /^(?:GET|POST) (\/v1\/[^/ ]+)/.exec(route)?.[1];
  const collection = collectionOf(name);
  return (
    collection !== undefined && !Object.keys(contracts).some((known) => collectionOf(known) === collection)
  );
}

/** In the form that the project's formatter leaves alone. */
export async function writeContracts(contracts: Contracts): Promise<void> {
  const style = await resolveConfig(contractsFile);
  await writeFile(contractsFile, await format(formatContracts(contracts), { ...style, parser: 'json' }));
}

export const writeCpu = (cpu: MeasuredCpu): Promise<void> =>
  writeFile(cpuFile, `${JSON.stringify(cpu, undefined, 2)}\n`);

/** Measures each case once: what it costs does not depend on chance. */
export async function measureContracts(
  bench: Workbench,
  all: readonly Case[] = [...cases, ...jobs],
): Promise<Contracts> {
  const measured = new Map<string, Contracts[string]>();
  for (const one of inOrder(all)) {
    const { plan } = await measure(bench, one, 1);
    measured.set(one.name, contractOf(plan));
  }
  return Object.fromEntries(
    all.flatMap(({ name }) => {
      const contract = measured.get(name);
      return contract ? [[name, contract]] : [];
    }),
  );
}
