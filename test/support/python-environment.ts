/** Packages of PyPI that a command of `test/` needs, in a virtual environment of their own. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { projectFolder } from '../../infra/local/token-key.ts';

/** It cannot be had here: no Python, or no package. One line says what is missing. */
export class NotToBeHadError extends Error {}

/** `EX_TEMPFAIL` of sysexits: the command did not fail, it could not be tried here. */
const notToBeHad = 75;
const installTimeoutMs = 3 * 60_000;

/**
 * Makes the virtual environment, a git-ignored folder, unless that of these requirements is there already.
 * @param name of the folder, before a digest of the requirements
 * @param requirements file that pins each package
 * @returns its Python
 * @throws NotToBeHadError
 */
export async function pythonEnvironment(name: string, requirements: string): Promise<string> {
  const wanted = await readFile(requirements, 'utf8');
  const digest = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const folder = path.join(projectFolder, `${name}-${digest}`);
  const python = path.join(folder, 'bin', 'python');
  // Written last, so that what a broken installation left is made anew.
  const finished = path.join(folder, 'finished');
  if ((await readFile(finished, 'utf8').catch(() => undefined)) === wanted) return python;
  await rm(folder, { recursive: true, force: true });
  run('python3', '-m', 'venv', folder);
  run(python, '-m', 'pip', 'install', '--quiet', '--no-input', '--retries', '1', '-r', requirements);
  await writeFile(finished, wanted);
  return python;
}

function run(command: string, ...parts: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, parts, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: installTimeoutMs,
  });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new NotToBeHadError(`${[path.basename(command), ...parts.slice(0, 3)].join(' ')} failed: ${reason}`);
}

/**
 * Runs a command that needs such packages. Its exit code is 0, 1 where it fails, and 75 where they cannot be had,
 * which one line says.
 * @param command as `npm run` knows it
 * @param needed what it needs
 */
export async function runWherePossible(
  command: string,
  needed: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof NotToBeHadError) {
      process.stderr.write(`${command} was not run, ${needed} cannot be had: ${error.message}\n`);
      process.exitCode = notToBeHad;
    } else {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}

/** Says how long a step took. */
export async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const from = performance.now();
  const result = await work();
  process.stdout.write(`${name}: ${((performance.now() - from) / 1000).toFixed(1)} s\n`);
  return result;
}
