import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { readTokenKey, signToken } from '../../infra/local/token-key.ts';
import { assertLoopback } from './loopback.ts';
import { everyRole } from './roles.ts';

export const root = path.join(import.meta.dirname, '../..');

export interface StartedBackend {
  readonly process: ChildProcess;
  /** `http://127.0.0.1:<port>` of the `ready` line. */
  readonly url: string;
  /** The lines of stdout before `ready`, by their first word: `dynamodb`, `sqs`, `mails`, `external-calls`, ... */
  readonly endpoints: Readonly<Record<string, string>>;
  /** All lines of stderr so far. */
  readonly log: readonly string[];
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export interface StartOptions {
  /** Above the environment of the test run; undefined takes a variable away. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** `npm run start` or `npm run dev` instead of the command behind it. */
  readonly script?: 'start' | 'dev';
}

/** How a process ended before it was ready. */
export class NotReadyError extends Error {
  readonly code: number | null;
  readonly stderr: string;

  constructor(code: number | null, stderr: string) {
    super(`the backend ended with ${code} before it was ready: ${stderr}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/**
 * Starts the backend as a user does, on a free port, and waits for its `ready` line.
 * @throws NotReadyError when it ends before
 */
export async function startBackendProcess(options: StartOptions = {}): Promise<StartedBackend> {
  const [command, ...parts] =
    options.script !== undefined
      ? ['npm', 'run', options.script]
      : [process.execPath, '--import', 'tsx', 'infra/local/start.ts'];
  const child = spawn(command, parts, {
    cwd: root,
    env: { ...withoutOwn(process.env), PORT: '0', ...options.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const endpoints: Record<string, string> = {};
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word = '', value = ''] = line.split(' ');
      if (word === 'ready') resolve(value);
      else endpoints[word] = value;
    });
    child.once('close', (code) => {
      reject(new NotReadyError(code, log.join('\n')));
    });
  });
  return {
    process: child,
    url: assertLoopback(url),
    endpoints,
    log,
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) {
        return { code: child.exitCode, signal: child.signalCode };
      }
      const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      child.kill(signal);
      const [code, endSignal] = await ended;
      return { code, signal: endSignal };
    },
  };
}

/** The test run's own settings must not lead a backend under test anywhere else. */
export function withoutOwn(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own =
    /^(AWS_|VITEST|NODE_OPTIONS|npm_lifecycle|DATA_DIR|SMTP_URL|EXTERNAL_CALL_URL|WEBHOOK_SECRET|JWT_|CONSOLE_|NODE_ENV)/;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !own.test(name)));
}

/** A token every local stack of this project accepts. */
export async function tokenFor(tenant: string, scope = 'commands ops', subject = 'alice'): Promise<string> {
  const roles = everyRole.join(' ');
  return await signToken({ tenant, subject, scope, roles, expiresIn: '1h' }, await readTokenKey());
}
