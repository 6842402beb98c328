import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** All descendants of a process, as the operating system knows them now. */
export async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const parents = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [pid];
  for (const next of found)
    found.push(...parents.filter(([, parent]) => parent === next).map(([child]) => child));
  return found.slice(1);
}

const stopTimeoutMs = 10_000;

/** Ends a process that leads a group of its own (`detached`), and all that belong to the group. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch (error) {
      // The whole group has ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    signal('SIGTERM');
    await Promise.race([ended, sleep(stopTimeoutMs)]);
  }
  signal('SIGKILL');
}
