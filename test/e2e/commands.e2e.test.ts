/**
 * The README's table of commands. Its last column says where each is run as it is written there:
 *
 * - `whole`: here, to its end, beside a running `npm start`.
 * - `begin`: here, to its first line of output, because the whole takes minutes.
 * - `.ci/run`: by the continuous integration, which runs it as it is.
 * - `by hand`: it takes longer than `.ci/run` should.
 * - `Docker`, `AWS`: nowhere by itself, because it needs what a machine may not have.
 *
 * Two things differ from what a reader types: the port, which is free here, and a copy of the project for commands
 * that write into it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { processFacts } from '../../infra/local/java-process.ts';
import { startHttpReceiver, type Receiver } from '../../infra/local/receivers/http-receiver.ts';
import { descendants } from '../support/processes.ts';
import {
  root,
  startBackendProcess,
  tokenFor,
  withoutOwn,
  type StartedBackend,
} from '../support/started-backend.ts';

const places = ['whole', 'begin', '.ci/run', 'by hand', 'Docker', 'AWS'] as const;

const readme = await readFile(path.join(root, 'README.md'), 'utf8');
const section = readme.slice(readme.indexOf('## Everyday commands')).split('\n## ')[0] ?? '';
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const commands = [...(cells[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, command = '']) => command);
    return { commands, place: cells.at(-2) ?? '' };
  });
const commandsOf = (place: (typeof places)[number]): string[] =>
  rows.filter((row) => row.place === place).flatMap(({ commands }) => commands);

let folder: string;
let receiver: Receiver;
let backend: StartedBackend;
let token: string;
/** A payment whose call its receiver refuses until it is well: `npm run redrive` finds it dead. */
let dying: string;
let isReceiverWell = false;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'commands-e2e-'));
  receiver = await startHttpReceiver((_request, body, response) => {
    response.writeHead(isReceiverWell || !body.includes(dying) ? 200 : 503).end('{}');
  });
  backend = await startBackendProcess({ script: 'start', variables: { EXTERNAL_CALL_URL: receiver.url } });
  token = await tokenFor('acme');
  // Its attempts take their time, so it begins to die before the other commands are run.
  ({ id: dying } = await post('/v1/payments', { payer: 'a', payee: 'b', amount: 1, currency: 'EUR' }));
  await post(`/v1/payments/${dying}/confirm`, {});
}, 600_000);
afterAll(async () => {
  await backend.stop();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
});

async function post(route: string, body: object): Promise<{ id: string }> {
  const response = await fetch(`${backend.url}${route}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': 'redrive',
    },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { id: string };
}

/** Starts a command in a shell, as a group of its own that can be ended as a whole. */
function begin(command: string, cwd = root): ChildProcess {
  const { port } = new URL(backend.url);
  return spawn('sh', ['-c', command.replaceAll('localhost:3000', `localhost:${port}`)], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutOwn(process.env), PORT: port, TOKEN: token },
  });
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => (text[name] += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}

/** A copy of the project, with its packages. */
async function copyOfProject(): Promise<string> {
  const copy = path.join(folder, 'copy');
  const left = ['node_modules', '.git', '.local', 'cdk.out', 'coverage'].map((name) => path.join(root, name));
  await cp(root, copy, { recursive: true, filter: (source) => !left.includes(source) });
  await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

test('every row says where it is run', () => {
  expect(rows.length).toBeGreaterThan(0);
  for (const { commands, place } of rows) {
    expect(commands, place).not.toEqual([]);
    expect(places, commands.join()).toContain(place);
  }
});

/** They serve until they are ended: the first one here, the other one in `start.e2e.test.ts`. */
const servers = ['npm start', 'npm run dev'];

test('npm start is among them, and runs', () => {
  expect(commandsOf('whole')).toEqual(expect.arrayContaining(servers));
  expect(backend.url).toMatch(/^http:/);
});

describe('a command that is run whole ends well', () => {
  test.each(commandsOf('whole').filter((command) => !servers.includes(command)))('%s', async (command) => {
    const writes = command.includes('cost:readme');
    const { code, stdout, stderr } = await ended(begin(command, writes ? await copyOfProject() : root));
    expect(code, stdout + stderr).toBe(0);
    if (writes) expect(await readFile(path.join(folder, 'copy', 'README.md'), 'utf8')).toBe(readme);
    // An idle stack has nothing to say: no line of JSON a minute.
    if (command.includes('invoke -- sweeper')) expect(stderr).not.toContain('[sweeper]');
  });
});

test.each(commandsOf('begin'))('a command that takes minutes begins: %s', async (command) => {
  const child = begin(command);
  const end = once(child, 'exit');
  const lines: string[] = [];
  const first = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
      lines.push(line);
      // npm prints an empty line and what it runs; the rest is the command's own.
      if (line.trim() !== '' && !line.startsWith('> ')) resolve();
    });
  });
  const result = await Promise.race([first.then(() => 'begun'), end.then(() => 'ended')]);
  if (result === 'begun') process.kill(-(child.pid ?? 0), 'SIGTERM');
  await end;
  expect(result, lines.join('\n')).toBe('begun');
});

test('what .ci/run runs stands in it as the table has it', async () => {
  const lines = (await readFile(path.join(root, '.ci/run'), 'utf8')).split('\n').map((line) => line.trim());
  for (const command of commandsOf('.ci/run'))
    expect(
      lines.some((line) => line.replace(' -s ', ' ').startsWith(command)),
      command,
    ).toBe(true);
});

test('npm run redrive finds what died here, and runs it again', { timeout: 600_000 }, async () => {
  const statusOfCall = async (): Promise<string | undefined> => {
    const response = await fetch(`${backend.url}/v1/payments/${dying}/messages`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items } = (await response.json()) as { items: { topic: string; status: string }[] };
    return items.find(({ topic }) => topic === 'external-call')?.status;
  };
  const becomes = async (status: string): Promise<void> => {
    await vi.waitFor(
      async () => {
        expect(await statusOfCall()).toBe(status);
      },
      { timeout: 180_000, interval: 250 },
    );
  };
  await becomes('dead');
  isReceiverWell = true;
  const [dry = ''] = commandsOf('whole').filter((command) => command.includes('npm run redrive'));
  expect(dry).toContain('--dry-run');
  expect((await ended(begin(dry))).stdout).toContain('1 dead messages');
  expect(await statusOfCall()).toBe('dead');
  const { code, stdout, stderr } = await ended(begin(dry.replace(' --dry-run', '')));
  expect(code, stdout + stderr).toBe(0);
  await becomes('done');
});

test('npm run redrive says in one line that nothing runs here', async () => {
  const { code, stderr } = await ended(begin('PORT=1 npm run -s redrive -- --tenant acme --topic llm'));
  expect(code).toBe(2);
  expect(stderr.split('\n')[0]).toContain('npm start');
});

test('npm start ends at SIGTERM and leaves no process behind', async () => {
  const children = await descendants(backend.process.pid ?? 0);
  expect(children.length).toBeGreaterThan(0);
  expect(await backend.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  await vi.waitFor(async () => {
    expect((await Promise.all(children.map((pid) => processFacts(pid)))).filter(Boolean)).toEqual([]);
  }, 30_000);
});
