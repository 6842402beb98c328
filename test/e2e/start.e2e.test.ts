import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { startHttpReceiver } from '../../infra/local/receivers/http-receiver.ts';
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
const until = { timeout: 30_000, interval: 100 };

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

describe('npm start', () => {
  test('serves the whole path: a payment is confirmed, its mail and its call arrive', async () => {
    const backend = await start();
    expect(backend.endpoints).toMatchObject({
      dynamodb: expect.stringMatching(/^http:/) as string,
      sqs: expect.stringMatching(/^http:/) as string,
    });
    const { status, body } = await post(backend, '/v1/payments', 'create', payment);
    expect(status).toBe(201);
    const id = String(body['id']);
    expect((await post(backend, `/v1/payments/${id}/confirm`, 'confirm', {})).status).toBe(200);
    await messagesAreDone(backend, id);
    const calls = (await (await fetch(backend.endpoints['external-calls'] ?? '')).json()) as {
      calls: { headers: Record<string, string>; body: string }[];
    };
    expect(calls.calls.map((call) => (JSON.parse(call.body) as { entity: string }).entity)).toEqual([id]);
    expect(calls.calls[0]?.headers).toHaveProperty('idempotency-key');
    expect(calls.calls[0]?.headers).toHaveProperty('webhook-signature');
    expect(backend.log.some((line) => line.startsWith('[mails]'))).toBe(true);
  });

  test('two copies run side by side and share nothing', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const { body } = await post(one, '/v1/payments', 'create', payment);
    expect((await get(one, `/v1/payments/${String(body['id'])}`)).status).toBe(200);
    expect((await get(other, `/v1/payments/${String(body['id'])}`)).status).toBe(404);
  });

  test.each([
    ['SIGTERM', false],
    ['SIGINT', false],
    ['SIGTERM', true],
  ] as const)('%s leaves no process behind (through npm: %s)', async (signal, throughNpm) => {
    const backend = await start({ throughNpm });
    const children = await descendants(backend.process.pid ?? 0);
    expect(children.length).toBeGreaterThan(0);
    expect(await backend.stop(signal)).toEqual({ code: 0, signal: null });
    await gone(children);
  });

  test('its end by kill -9 takes the database along', async () => {
    const backend = await start();
    const children = await descendants(backend.process.pid ?? 0);
    await backend.stop('SIGKILL');
    await gone(children);
  });

  test('an end while it starts leaves no process behind', async () => {
    const starting = startBackendProcess();
    const failed = starting.catch((error: unknown) => error);
    // The database is the first child, long before anything is ready.
    const children = await vi.waitFor(async () => {
      const mine = await descendants(process.pid);
      const java = [];
      for (const pid of mine) {
        if ((await processFacts(pid))?.command.includes('DynamoDBLocal.jar') === true) java.push(pid);
      }
      expect(java).toHaveLength(1);
      return java;
    }, until);
    const facts = await processFacts(children[0] ?? 0);
    process.kill(facts?.parent ?? 0, 'SIGTERM');
    expect(await failed).toMatchObject({ code: 0 });
    await gone(children);
  });
});

describe('what keeps it from starting is one line', () => {
  const failure = async (variables: Record<string, string | undefined>): Promise<NotReadyError> => {
    const error: unknown = await startBackendProcess({ variables }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotReadyError);
    return error as NotReadyError;
  };

  test('no Java', async () => {
    const { code, stderr } = await failure({ PATH: await newFolder() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*Java[^\n]*$/);
  });

  test('a port that is taken', async () => {
    const backend = await start();
    const { code, stderr } = await failure({ PORT: new URL(backend.url).port });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*port[^\n]*$/);
  });

  test.each([
    ['that nobody answers', 'AWS_ENDPOINT_URL', 'http://127.0.0.1:9'],
    ['of a service that nobody answers', 'AWS_ENDPOINT_URL_SQS', 'http://127.0.0.1:9'],
    ['that is no URL', 'AWS_ENDPOINT_URL_DYNAMODB', '127.0.0.1:9'],
  ])('an endpoint %s', async (_case, name, endpoint) => {
    const { code, stderr } = await failure({ [name]: endpoint });
    expect(code).toBe(1);
    expect(stderr.split('\n').at(-1)).toMatch(new RegExp(`^${name}[^\n]*${endpoint}`));
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test.each([
    ['SQS', 'AWS_ENDPOINT_URL_SQS', 500, '{"__type":"InternalFailure"}'],
    ['SQS', 'AWS_ENDPOINT_URL', 502, '<html>'],
    ['DynamoDB', 'AWS_ENDPOINT_URL_DYNAMODB', 500, ''],
    ['DynamoDB', 'AWS_ENDPOINT_URL_DYNAMODB', 200, '<html>no such page</html>'],
  ])('a server of %s at %s that answers %i %s', async (_service, name, status, text) => {
    const server = await startHttpReceiver((_request, _body, response) => {
      response.writeHead(status).end(text);
    });
    const { code, stderr } = await failure({ [name]: server.url });
    await server.stop();
    expect(code).toBe(1);
    expect(stderr.split('\n').at(-1)).toMatch(new RegExp(`^${name}[^\n]*${server.url}[^\n]*$`));
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test.each(['SMTP_URL', 'EXTERNAL_CALL_URL', 'MAIL_FROM'])('a setting nobody can read: %s', async (name) => {
    const { code, stderr } = await failure({ [name]: 'nope' });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^[^\n]*${name}[^\n]*$`));
  });

  test('a data folder that is a file', async () => {
    const file = path.join(await newFolder(), 'file');
    await writeFile(file, '');
    const { code, stderr } = await failure({ DATA_DIR: file });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*DATA_DIR[^\n]*$/);
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

  test('a data folder that is in use', async () => {
    const folder = await newFolder();
    await start({ variables: { DATA_DIR: folder } });
    const { code, stderr } = await failure({ DATA_DIR: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]*DATA_DIR[^\n]*$/);
  });
});

describe('DATA_DIR', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps what was acknowledged, and what the queues held runs again after %s',
    async (signal) => {
      const variables = { DATA_DIR: await newFolder() };
      // Nobody listens at this port, so the call is still waiting for its retry when the backend ends.
      const first = await start({ variables: { ...variables, EXTERNAL_CALL_URL: 'http://127.0.0.1:9/' } });
      const { body } = await post(first, '/v1/payments', 'create', payment);
      const id = String(body['id']);
      expect((await post(first, `/v1/payments/${id}/confirm`, 'confirm', {})).status).toBe(200);
      await first.stop(signal);
      const second = await start({ variables });
      expect((await get(second, `/v1/payments/${id}`)).body).toMatchObject({ status: 'confirmed' });
      await messagesAreDone(second, id);
      expect((await readdir(path.join(variables.DATA_DIR, 'external-calls'))).length).toBe(1);
      expect((await readdir(path.join(variables.DATA_DIR, 'mails'))).length).toBeGreaterThan(0);
    },
  );

  test('a database left behind by a kill of everything else is ended and its data kept', async () => {
    const variables = { DATA_DIR: await newFolder() };
    const first = await start({ variables });
    const { body } = await post(first, '/v1/payments', 'create', payment);
    const children = await descendants(first.process.pid ?? 0);
    const facts = await Promise.all(children.map(async (pid) => ({ pid, ...(await processFacts(pid)) })));
    const isDatabase = ({ command }: { command?: string }): boolean =>
      command?.includes('DynamoDBLocal.jar') === true;
    // The watcher dies first, as when a whole process tree but the database is killed.
    for (const { pid } of facts.filter((child) => !isDatabase(child))) process.kill(pid, 'SIGKILL');
    await first.stop('SIGKILL');
    const orphans = facts.filter(isDatabase).map(({ pid }) => pid);
    expect(orphans).toHaveLength(1);
    const second = await start({ variables });
    await gone(orphans);
    expect((await get(second, `/v1/payments/${String(body['id'])}`)).status).toBe(200);
  });
});

test('given endpoints are used, and what exists there is used again', async () => {
  const host = await start();
  const variables = {
    AWS_ENDPOINT_URL_DYNAMODB: host.endpoints['dynamodb'],
    AWS_ENDPOINT_URL_SQS: host.endpoints['sqs'],
  };
  const guest = await start({ variables });
  expect(guest.endpoints).toMatchObject({ dynamodb: host.endpoints['dynamodb'], sqs: host.endpoints['sqs'] });
  const { status, body } = await post(guest, '/v1/payments', 'create', payment);
  expect(status).toBe(201);
  expect((await get(host, `/v1/payments/${String(body['id'])}`)).status).toBe(200);
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
