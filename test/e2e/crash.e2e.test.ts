/**
 * The process killed with `kill -9` under load, and started again on the same data: what was acknowledged is there
 * exactly once, a key repeated has the same answer, and every message ends done (guarantees G1 to G5, G9). The
 * database is a process of its own and is spared: it is asked to stop when ours is gone.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import type { Reply } from '../support/backend.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { check, firstOf } from '../support/faults/checker.ts';
import type { Observed } from '../support/faults/observed.ts';
import { readStore } from '../support/faults/store-image.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startBackendProcess, tokenFor } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const tenant = 'acme';
const subject = 'alice';
/** Callers at once, and how often the process is killed. */
const callers = 8;
const kills = 2;
const until = { timeout: 60_000, interval: 250 };

const started: StartedBackend[] = [];
const start = async (folder: string): Promise<StartedBackend> => {
  const backend = await startBackendProcess({ variables: { DATA_DIR: folder } });
  started.push(backend);
  return backend;
};
afterEach(async () => {
  await Promise.all(started.splice(0).map((backend) => backend.stop('SIGKILL')));
});
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

type Sent = Pick<Observed, 'path' | 'body'> & { readonly key: string };

/** What callers saw, over all lives of the process. */
class Witness {
  readonly seen: Observed[] = [];
  #time = 0;

  /** @returns nothing where the process died before it answered */
  async post(backend: StartedBackend, token: string, sent: Sent): Promise<Reply | undefined> {
    const startedAt = (this.#time += 1);
    const reply = await post(backend, token, sent).catch(() => undefined);
    const request = { method: 'POST' as const, tenant, subject, ...sent };
    this.seen.push({ ...request, startedAt, endedAt: (this.#time += 1), ...(reply && { reply }) });
    return reply;
  }
}

async function post(
  backend: StartedBackend,
  token: string,
  { path: route, body, key }: Sent,
): Promise<Reply> {
  const response = await fetch(`${backend.url}${route}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': key,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (text === '' ? {} : JSON.parse(text)) as Reply['json'];
  return { status: response.status, headers: Object.fromEntries(response.headers), text, json };
}

/** Creates and confirms payments and takes points until the process is gone. */
async function load(witness: Witness, backend: StartedBackend, token: string): Promise<void> {
  const account = await witness.post(backend, token, {
    path: '/v1/point-accounts',
    key: randomUUID(),
    body: { owner: 'ada' },
  });
  const points = `/v1/point-accounts/${String(account?.json['id'])}`;
  for (let n = 1; ; n += 1) {
    const body = { payer: `payer ${randomUUID()}`, payee: 'shop', amount: n, currency: 'EUR' };
    const created = await witness.post(backend, token, { path: '/v1/payments', key: randomUUID(), body });
    if (!created) return;
    const confirm = {
      path: `/v1/payments/${String(created.json['id'])}/confirm`,
      key: randomUUID(),
      body: undefined,
    };
    const earn = { path: `${points}/earn`, key: randomUUID(), body: { amount: n, reason: 'load' } };
    const replies = await Promise.all([confirm, earn].map((sent) => witness.post(backend, token, sent)));
    if (replies.includes(undefined)) return;
  }
}

async function tablesOf(backend: StartedBackend): Promise<TableNames> {
  const endpoint = backend.endpoints['dynamodb'] ?? '';
  const client = new DynamoDBClient({ endpoint, region: localRegion, credentials: localCredentials });
  const { TableNames: names = [] } = await client.send(new ListTablesCommand({}));
  client.destroy();
  const find = (part: RegExp): string => names.find((name) => part.test(name)) ?? '';
  return { data: find(/data/i), outbox: find(/outbox/i), idempotency: find(/idempotency/i) };
}

test(
  'kill -9 under load loses nothing that was acknowledged and does nothing twice',
  { timeout: 240_000 },
  async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'crash-e2e-'));
    folders.push(folder);
    const token = await tokenFor(tenant, 'commands ops', subject);
    const witness = new Witness();
    for (let life = 0; life < kills; life += 1) {
      const backend = await start(folder);
      const working = Array.from({ length: callers }, () => load(witness, backend, token));
      const enough = witness.seen.length + 60;
      await vi.waitFor(() => {
        expect(witness.seen.length).toBeGreaterThan(enough);
      }, until);
      await backend.stop('SIGKILL');
      await Promise.all(working);
    }

    const backend = await start(folder);
    const lost = witness.seen.filter(({ reply }) => reply === undefined).length;
    expect(lost).toBeGreaterThan(0);
    // Everybody asks again, with and without an answer of before.
    const before = [...witness.seen];
    await pMap(
      before,
      ({ path: route, key, body }) => witness.post(backend, token, { path: route, key: key ?? '', body }),
      {
        concurrency: callers,
      },
    );
    const replies = witness.seen.slice(before.length).map(({ reply }) => reply?.status ?? 0);
    expect(replies.filter((status) => status >= 500 || status === 0)).toEqual([]);

    const endpoint = backend.endpoints['dynamodb'] ?? '';
    const tables = await tablesOf(backend);
    await vi.waitFor(async () => {
      const { outbox } = await readStore(endpoint, tables);
      expect(outbox.length).toBeGreaterThan(0);
      expect(outbox.filter(({ status }) => status !== 'done').map(({ id }) => id)).toEqual([]);
    }, until);
    const store = await readStore(endpoint, tables);
    expect(firstOf(check({ domains, store, seen: witness.seen }))).toBeUndefined();
  },
);
