import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { processFacts } from '../../infra/local/java-process.ts';
import { descendants } from '../support/processes.ts';
import {
  NotReadyError,
  root,
  startBackendProcess,
  tokenFor,
  type StartedBackend,
  type StartOptions,
} from '../support/started-backend.ts';

const run = promisify(execFile);
const until = { timeout: 90_000, interval: 100 };

const started: StartedBackend[] = [];
const start = async (options: StartOptions = {}): Promise<StartedBackend> => {
  const backend = await startBackendProcess(options);
  started.push(backend);
  return backend;
};
afterEach(async () => {
  await Promise.all(started.splice(0).map((backend) => backend.stop('SIGKILL')));
});

const folders: string[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'start-e2e-'));
  folders.push(folder);
  return folder;
};
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const gone = async (pids: readonly number[]): Promise<void> => {
  await vi.waitFor(async () => {
    expect((await Promise.all(pids.map((pid) => processFacts(pid)))).filter(Boolean)).toEqual([]);
  }, until);
};

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function post(backend: StartedBackend, route: string, key: string, body: object): Promise<Reply> {
  const response = await fetch(`${backend.url}${route}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await tokenFor('acme')}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': key,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function get(backend: StartedBackend, route: string): Promise<Reply> {
  const response = await fetch(`${backend.url}${route}`, {
    headers: { Authorization: `Bearer ${await tokenFor('acme')}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const payment = { payer: 'bob', payee: 'shop', amount: 1_200, currency: 'EUR' };

const messagesAreDone = async (backend: StartedBackend, id: string): Promise<void> => {
  await vi.waitFor(async () => {
    const { body } = await get(backend, `/v1/payments/${id}/messages`);
    const items = body['items'] as { status: string }[];
    expect(items).not.toHaveLength(0);
    expect(items.map((message) => message.status)).toEqual(items.map(() => 'done'));
  }, until);
};

/** How a start ends that never was ready: at once, with one line. */
const failure = async (variables: Record<string, string | undefined>): Promise<NotReadyError> => {
  const error: unknown = await startBackendProcess({ variables }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NotReadyError);
  return error as NotReadyError;
};

/** Ends a backend in a way that it can be asked for. @returns once all it had started is gone */
const endsWell = async (backend: StartedBackend, signal: 'SIGTERM' | 'SIGINT'): Promise<void> => {
  const children = await descendants(backend.process.pid ?? 0);
  expect(children.length).toBeGreaterThan(0);
  expect(await backend.stop(signal)).toEqual({ code: 0, signal: null });
  await gone(children);
};

/** Two copies: the tests only ask them, and the last ones end them. */
describe('npm start', () => {
  let one: StartedBackend;
  let other: StartedBackend;
  beforeAll(async () => {
    [one, other] = await Promise.all([startBackendProcess(), startBackendProcess()]);
  });
  afterAll(async () => {
    await Promise.all([one.stop('SIGKILL'), other.stop('SIGKILL')]);
  });

  test('serves the whole path: a payment is confirmed, its mail and its call arrive', async () => {
    expect(one.endpoints).toMatchObject({
      dynamodb: expect.stringMatching(/^http:/) as string,
      sqs: expect.stringMatching(/^http:/) as string,
    });
    const { status, body } = await post(one, '/v1/payments', 'create', payment);
    expect(status).toBe(201);
    const id = String(body['id']);
    expect((await post(one, `/v1/payments/${id}/confirm`, 'confirm', {})).status).toBe(200);
    await messagesAreDone(one, id);
    const calls = (await (await fetch(one.endpoints['external-calls'] ?? '')).json()) as {
      calls: { headers: Record<string, string>; body: string }[];
    };
    expect(calls.calls.map((call) => (JSON.parse(call.body) as { entity: string }).entity)).toEqual([id]);
    expect(calls.calls[0]?.headers).toHaveProperty('idempotency-key');
    expect(calls.calls[0]?.headers).toHaveProperty('webhook-signature');
    expect(one.log.some((line) => line.startsWith('[mails]'))).toBe(true);
  });

  test('two copies run side by side and share nothing', async () => {
    const { body } = await post(one, '/v1/payments', 'side-by-side', payment);
    expect((await get(one, `/v1/payments/${String(body['id'])}`)).status).toBe(200);
    expect((await get(other, `/v1/payments/${String(body['id'])}`)).status).toBe(404);
  });

  test('given endpoints are used, and what exists there is used again', async () => {
    const guest = await start({
      variables: {
        AWS_ENDPOINT_URL_DYNAMODB: one.endpoints['dynamodb'],
        AWS_ENDPOINT_URL_SQS: one.endpoints['sqs'],
      },
    });
    expect(guest.endpoints).toMatchObject({ dynamodb: one.endpoints['dynamodb'], sqs: one.endpoints['sqs'] });
    const { status, body } = await post(guest, '/v1/payments', 'at-the-host', payment);
    expect(status).toBe(201);
    expect((await get(one, `/v1/payments/${String(body['id'])}`)).status).toBe(200);
  });

  test('a port that is taken keeps it from starting, in one line', async () => {
    const { code, stderr } = await failure({ PORT: new URL(one.url).port });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*port[^\n]*$/);
  });

  test('without Java it does not start, and says so in one line', async () => {
    const { code, stderr } = await failure({ PATH: await newFolder() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*Java[^\n]*$/);
  });

  test('SIGTERM leaves no process behind', async () => {
    await endsWell(one, 'SIGTERM');
  });

  test('SIGINT leaves no process behind', async () => {
    await endsWell(other, 'SIGINT');
  });
});

test('an end while it starts leaves no process behind', async () => {
  const others = new Set(await descendants(process.pid));
  const failed = startBackendProcess().catch((error: unknown) => error);
  // The database is the first child, long before anything is ready.
  const database = await vi.waitFor(async () => {
    for (const pid of await descendants(process.pid)) {
      const facts = others.has(pid) ? undefined : await processFacts(pid);
      if (facts?.command.includes('DynamoDBLocal.jar') === true) return { pid, ...facts };
    }
    throw new Error('no database yet');
  }, until);
  process.kill(database.parent, 'SIGTERM');
  expect(await failed).toMatchObject({ code: 0 });
  await gone([database.pid]);
});

test.each([
  ['18.20.8', 1],
  ['20.18.3', 1],
  ['20.19.0', 0],
  ['24.0.0', 0],
])('Node.js %s: %d', async (version, code) => {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const file = path.join(root, 'infra/local/require-node.js');
  const parameters = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, file];
  const ended = await run(process.execPath, parameters).catch((error: unknown) => error);
  expect((ended as { code?: number }).code ?? 0).toBe(code);
  const { stderr } = ended as { stderr: string };
  expect(stderr).toMatch(code === 0 ? /^$/ : new RegExp(`^[^\n]*20\\.19[^\n]*${version}\n$`));
});

/** One data folder in four lives; each but the last ends in another way. */
test(
  'DATA_DIR keeps what was acknowledged, and what the queues held runs again',
  { timeout: 600_000 },
  async () => {
    const folder = await newFolder();
    const life = (variables: Record<string, string> = {}): Promise<StartedBackend> =>
      start({ variables: { DATA_DIR: folder, ...variables } });
    // Nobody listens at this port, so a call still waits for its retry when the backend ends.
    const unreachable = { EXTERNAL_CALL_URL: 'http://127.0.0.1:9/' };
    const confirmed = async (backend: StartedBackend, key: string): Promise<string> => {
      const { body } = await post(backend, '/v1/payments', `create-${key}`, payment);
      const id = String(body['id']);
      const { status } = await post(backend, `/v1/payments/${id}/confirm`, `confirm-${key}`, {});
      expect(status).toBe(200);
      return id;
    };
    const isKept = async (backend: StartedBackend, id: string): Promise<void> => {
      expect((await get(backend, `/v1/payments/${id}`)).body).toMatchObject({ status: 'confirmed' });
    };
    const callsKept = (): Promise<string[]> => readdir(path.join(folder, 'external-calls'));

    // The first ends by SIGTERM.
    const first = await life(unreachable);
    const one = await confirmed(first, 'one');
    await endsWell(first, 'SIGTERM');

    // Of the second everything but its database is killed, the database's watcher first.
    const second = await life();
    await isKept(second, one);
    await messagesAreDone(second, one);
    expect(await callsKept()).toHaveLength(1);
    expect((await readdir(path.join(folder, 'mails'))).length).toBeGreaterThan(0);
    const { code, stderr } = await failure({ DATA_DIR: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^[^\n]*DATA_DIR[^\n]*$/)]);
    const children = await descendants(second.process.pid ?? 0);
    const facts = await Promise.all(children.map(async (pid) => ({ pid, ...(await processFacts(pid)) })));
    const isDatabase = ({ command }: { command?: string }): boolean =>
      command?.includes('DynamoDBLocal.jar') === true;
    for (const { pid } of facts.filter((child) => !isDatabase(child))) process.kill(pid, 'SIGKILL');
    await second.stop('SIGKILL');
    const orphans = facts.filter(isDatabase).map(({ pid }) => pid);
    expect(orphans).toHaveLength(1);

    // The third ends the database that was left behind. It is killed alone, and takes its own along.
    const third = await life(unreachable);
    await gone(orphans);
    await isKept(third, one);
    const two = await confirmed(third, 'two');
    const ofThird = await descendants(third.process.pid ?? 0);
    await third.stop('SIGKILL');
    await gone(ofThird);

    const fourth = await life();
    for (const id of [one, two]) await isKept(fourth, id);
    await messagesAreDone(fourth, two);
    expect(await callsKept()).toHaveLength(2);
  },
);

test('npm run dev starts anew when a definition changes, and ends with all that it has started', async () => {
  const backend = await start({ script: 'dev' });
  const ofFirst = await descendants(backend.process.pid ?? 0);
  const again = new Promise<string>((resolve) => {
    backend.process.stdout?.on('data', (text: Buffer) => {
      const url = /^ready (.+)$/m.exec(text.toString())?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const now = new Date();
  await utimes(path.join(root, 'functions/domains/articles.ts'), now, now);
  const url = await again;
  expect((await get({ ...backend, url }, '/v1/articles')).body).toEqual({ items: [] });
  const ofSecond = await descendants(backend.process.pid ?? 0);
  expect(ofSecond.filter((pid) => !ofFirst.includes(pid))).not.toEqual([]);
  await backend.stop('SIGTERM');
  await gone([...ofFirst, ...ofSecond]);
});

describe('the commands beside it', () => {
  test('npm run token prints a token and nothing else', async () => {
    const parameters = [
      'run',
      '-s',
      'token',
      '--',
      '--tenant',
      'acme',
      '--subject',
      'alice',
      '--scope',
      'commands',
    ];
    const { stdout } = await run('npm', parameters, { cwd: root });
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test('npm run token refuses a wrong call in one line', async () => {
    const error: unknown = await run('npm', ['run', '-s', 'token', '--', '--tenant', 'acme'], {
      cwd: root,
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^usage: [^\n]+\n$/) as string,
    });
  });

  test('npm run invoke runs one function with an event', async () => {
    const file = path.join(await newFolder(), 'event.json');
    await writeFile(file, JSON.stringify({ graceSeconds: 0 }));
    const { stdout } = await run('npm', ['run', '-s', 'invoke', '--', 'sweeper', file], { cwd: root });
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ graceSeconds: 0 });
  });
});
