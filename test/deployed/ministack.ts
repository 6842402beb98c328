/** ministack, a server on this machine that has CloudFormation and runs Lambda functions as processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../infra/local/ports.ts';
import { endGroup } from '../support/processes.ts';
import { pythonEnvironment } from '../support/python-environment.ts';

const startTimeoutMs = 30_000;

/** @returns the Python of its virtual environment; @throws NotToBeHadError */
export const installMinistack = (): Promise<string> =>
  pythonEnvironment('ministack', path.join(import.meta.dirname, 'requirements.txt'));

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
  // The functions' processes start from scripts in here, which are CommonJS whatever a folder above says of itself.
  await writeFile(path.join(folder, 'package.json'), '{ "type": "commonjs" }');
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
    await endGroup(child);
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
