/** ministack, a server on this machine that has CloudFormation and runs Lambda functions as processes. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../infra/local/ports.ts';
import { projectFolder } from '../../infra/local/token-key.ts';

/** It cannot be had here: no Python, or no package. One line says what is missing. */
export class NotToBeHadError extends Error {}

const requirements = path.join(import.meta.dirname, 'requirements.txt');
const installTimeoutMs = 5 * 60_000;
const startTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;

/**
 * Makes the virtual environment, a git-ignored folder, unless that of these requirements is there already.
 * @returns its Python
 * @throws NotToBeHadError
 */
export async function installMinistack(): Promise<string> {
  const wanted = await readFile(requirements, 'utf8');
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 12);
  const folder = path.join(projectFolder, `ministack-${name}`);
  const python = path.join(folder, 'bin', 'python');
  // Written last, so that what a broken installation left is made anew.
  const finished = path.join(folder, 'finished');
  if ((await readFile(finished, 'utf8').catch(() => undefined)) === wanted) return python;
  await rm(folder, { recursive: true, force: true });
  run('python3', '-m', 'venv', folder);
  run(python, '-m', 'pip', 'install', '--quiet', '--no-input', '-r', requirements);
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

export interface Ministack {
  readonly url: string;
  /** What it wrote so far. */
  log(): Promise<string>;
  /** Ends it and every function it runs, and takes away what they wrote. */
  stop(): Promise<void>;
}

/** @param python of the virtual environment */
export async function startMinistack(python: string): Promise<Ministack> {
  const folder = await mkdtemp(path.join(tmpdir(), 'commit-once-deployed-'));
  const port = await freePort();
  const logFile = path.join(folder, 'ministack.log');
  const output = openSync(logFile, 'a');
  const child = spawn(python, ['-m', 'ministack'], {
    cwd: folder,
    // Nothing of the caller's own: no credentials, no endpoint, no proxy.
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      LAMBDA_EXECUTOR: 'local',
      // These two listen on every interface, and nothing here uses them.
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      STATE_DIR: path.join(folder, 'state'),
      S3_DATA_DIR: path.join(folder, 's3'),
    },
    stdio: ['ignore', output, output],
    // A group of its own, which its functions belong to, so that none outlives it.
    detached: true,
  });
  closeSync(output);
  const url = `http://127.0.0.1:${port}`;
  const log = (): Promise<string> => readFile(logFile, 'utf8');
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(child, `${url}/_ministack/health`);
  } catch (error) {
    const text = await log();
    await stop();
    throw new Error(`ministack did not start: ${text}`, { cause: error });
  }
  return { url, log, stop };
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  const until = Date.now() + startTimeoutMs;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`nothing answers at ${url}`);
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
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
