import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever its kernel does (`man 5 proc`, `sysconf(_SC_CLK_TCK)`). */
const tickMs = 10;

/** @returns milliseconds of processor time of a process and of those it began; `undefined` where there is no `/proc` */
export function cpuTimeMs(pid: number): number | undefined {
  const folder = `/proc/${pid}`;
  if (!existsSync(folder)) return undefined;
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  // The name of the program comes second and may hold anything, so what follows it is counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const children = readdirSync(`${folder}/task`)
    .map((thread) => `${folder}/task/${thread}/children`)
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').trim().split(' ').filter(Boolean));
  return children.reduce((sum, child) => sum + (cpuTimeMs(Number(child)) ?? 0), ticks * tickMs);
}
