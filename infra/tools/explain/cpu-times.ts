/**
 * The CPU time of requests and jobs, unrecorded: what a Lambda function would be billed for, network aside. Times
 * differ from machine to machine, so they are measured once and kept, and no test compares them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { cases } from './cases.ts';
import type { Case } from './request-case.ts';
import { inOrder, runsOf } from './run.ts';
import type { Workbench } from './workbench.ts';

export interface MeasuredCpu {
  readonly measuredOn: string;
  readonly machine: string;
  readonly command: string;
  /** Of CPU time a case, by its name. */
  readonly milliseconds: Readonly<Record<string, number>>;
}

const file = new URL('cpu-times.json', import.meta.url);
const warmUps = 10;
const times = 30;

export const readCpu = async (): Promise<MeasuredCpu> =>
  JSON.parse(await readFile(file, 'utf8')) as MeasuredCpu;

/** @param bench one that records nothing */
export async function measureCpu(bench: Workbench): Promise<void> {
  const milliseconds: Record<string, number> = {};
  for (const one of inOrder(cases)) {
    await cpuTime(bench, one, warmUps);
    milliseconds[one.name] = Number((await cpuTime(bench, one, times)).toFixed(2));
  }
  const cpu: MeasuredCpu = {
    measuredOn: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
    command: 'npm run cost:measure',
    milliseconds,
  };
  await writeFile(file, `${JSON.stringify(cpu, undefined, 2)}\n`);
}

/** Of one run, on average. All are prepared before, since what lies between two runs would be counted with them. */
async function cpuTime(bench: Workbench, one: Case, runs: number): Promise<number> {
  const prepared: (() => Promise<unknown>)[] = [];
  for await (const { send } of runsOf(bench, one, runs)) {
    const { ahead } = bench.clock;
    prepared.push(() => {
      bench.clock.ahead = ahead;
      return send();
    });
  }
  const begun = process.cpuUsage();
  for (const send of prepared) await send();
  const { user, system } = process.cpuUsage(begun);
  bench.clock.ahead = 0;
  return (user + system) / 1000 / runs;
}
