/** What `npm start` shows to others on this machine and in its network: nothing. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isReachable, listeningSockets } from '../support/listening.ts';
import { descendants } from '../support/processes.ts';
import { startBackendProcess, tokenFor, type StartedBackend } from '../support/started-backend.ts';

let folder: string;
let backend: StartedBackend;
const dataFolder = (): string => path.join(folder, 'made', 'here');
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'start-safety-'));
  backend = await startBackendProcess({ variables: { DATA_DIR: dataFolder() } });
});
afterAll(async () => {
  await backend.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

test.runIf(process.platform === 'linux')('every server listens on 127.0.0.1 and nowhere else', async () => {
  const pid = backend.process.pid ?? 0;
  const sockets = await listeningSockets([pid, ...(await descendants(pid))]);
  const ports = [backend.url, ...Object.values(backend.endpoints)].map((url) => new URL(url).port);
  expect(sockets.map(({ address, port }) => `${address}:${port}`).sort()).toEqual(
    ports.map((port) => `127.0.0.1:${port}`).sort(),
  );
});

test('no server is reached by another address of this machine', async () => {
  const others = [
    ...Object.values(os.networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address, scopeid = 0 }) => (scopeid === 0 ? address : `${address}%${scopeid}`)),
    '127.0.0.2',
    '::1',
  ];
  for (const [name, url] of Object.entries({ ...backend.endpoints, api: backend.url })) {
    const port = Number(new URL(url).port);
    expect(await isReachable('127.0.0.1', port), name).toBe(true);
    for (const host of others) expect(await isReachable(host, port), `${name} at ${host}`).toBe(false);
  }
});

test('everything in DATA_DIR is for its user alone', async () => {
  const command = async (route: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(`${backend.url}${route}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor('acme')}`,
        'content-type': 'application/json',
        'idempotency-key': 'once',
      },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { id: string };
  };
  await command('/v1/invites', { workspace: 'press', email: 'carol@example.com', role: 'editor' });
  const { id } = await command('/v1/payments', { payer: 'a', payee: 'b', amount: 1, currency: 'EUR' });
  await command(`/v1/payments/${id}/confirm`, {});
  const kept = async (name: string): Promise<string[]> => readdir(path.join(dataFolder(), name));
  await vi.waitFor(
    async () => {
      for (const name of ['mails', 'external-calls']) expect(await kept(name)).not.toEqual([]);
    },
    { timeout: 60_000, interval: 100 },
  );
  expect((await kept('.')).filter((name) => name.endsWith('.db'))).not.toEqual([]);
  const names = ['.', ...(await readdir(dataFolder(), { recursive: true }))];
  for (const name of names) {
    const { mode } = await stat(path.join(dataFolder(), name));
    expect(mode & 0o077, name).toBe(0);
  }
});
