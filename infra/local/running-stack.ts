import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { projectFolder } from './token-key.ts';

/** What a running `npm start` tells the commands beside it. */
export interface RunningStack {
  /** The process that serves it. */
  readonly pid: number;
  readonly region: string;
  readonly dynamodbEndpoint: string;
}

/** A file for each port on which a stack of this project runs. */
const fileOf = (port: string): string => path.join(projectFolder, 'running', `${port}.json`);

/** @returns what takes it back when the stack stops */
export async function announceStack(url: string, stack: RunningStack): Promise<() => Promise<void>> {
  const file = fileOf(new URL(url).port);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(stack));
  return () => rm(file, { force: true });
}

/** @returns undefined where none runs: a stack that was killed could not take back what it said */
export async function findRunningStack(port: string): Promise<RunningStack | undefined> {
  const text = await readFile(fileOf(port), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const stack = JSON.parse(text) as RunningStack;
  return isRunning(stack.pid) ? stack : undefined;
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 only asks whether there is such a process.
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
