/** Measures the CPU time of requests and jobs, unrecorded: what a Lambda function would be billed for, network aside. */
import { cases } from './cases.ts';
import { jobs } from './jobs.ts';
import { cpuTime, inOrder } from './run.ts';
import { emptyStore } from './store.ts';
import { seed } from './seed.ts';

/** Milliseconds of CPU time a case, by its name. */
export type CpuTimes = Readonly<Record<string, number>>;

const entities = 1_000;
const warmUps = 10;
const times = 30;

export async function measureCpu(endpoint: string): Promise<CpuTimes> {
  const bench = await emptyStore(endpoint, { recorded: false });
  await seed(bench, entities);
  const measured: Record<string, number> = {};
  for (const one of inOrder([...cases, ...jobs])) {
    await cpuTime(bench, one, warmUps);
    measured[one.name] = Number((await cpuTime(bench, one, times)).toFixed(2));
  }
  bench.close();
  return measured;
}
