import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the operating system says about a process: its parent and its command line. */
export interface ProcessFacts {
  readonly parent: number;
  readonly command: string;
}

/**
 * Reads `/proc` where there is one, because slim container images carry no `ps`; asks `ps` elsewhere.
 * @returns undefined when no such process runs.
 */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  if (process.platform === 'linux') {
    try {
      const [stat, commandLine] = await Promise.all([
        readFile(`/proc/${pid}/stat`, 'utf8'),
        readFile(`/proc/${pid}/cmdline`, 'utf8'),
      ]);
      // The second field is the name in parentheses and may itself hold spaces and parentheses.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') return undefined;
      return { parent: Number(parent), command: commandLine.replaceAll('\0', ' ') };
    } catch {
      return undefined;
    }
  }
  try {
    const { stdout } = await run('ps', ['-o', 'ppid=,command=', '-p', String(pid)]);
    const match = /^\s*(\d+)\s+(.*)$/m.exec(stdout);
    return match ? { parent: Number(match[1]), command: match[2] ?? '' } : undefined;
  } catch {
    return undefined;
  }
}

/** Sends SIGTERM, waits, and only after `graceMs` sends SIGKILL. */
export async function terminate(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

/** As `terminate`, for a process that is not our child: an orphan of an earlier run. */
export async function terminateByPid(pid: number, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  signal(pid, 'SIGTERM');
  while ((await processFacts(pid)) !== undefined) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile, which is what the signal was for.
  }
}

/**
 * Ends `pid` with SIGTERM as soon as this process is gone, however it went: the watcher reads a pipe that only
 * this process holds open, and the operating system closes it even after `kill -9`.
 * @returns what calls the watcher off.
 */
export function endWithThisProcess(pid: number): () => void {
  if (process.platform === 'win32') return () => undefined;
  const watcher = spawn('sh', ['-c', 'cat >/dev/null; kill -TERM "$0" 2>/dev/null', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => undefined);
  watcher.stdin.on('error', () => undefined);
  watcher.unref();
  return () => {
    if (watcher.pid !== undefined && watcher.exitCode === null) {
      // The whole group, so that the shell's own child goes with it before the pipe closes.
      signal(-watcher.pid, 'SIGKILL');
    }
  };
}
