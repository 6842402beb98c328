/** A server in front of a backend that loses answers, at once or half way, and delays the others. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { createClient } from '../../functions/client/client.ts';
import type { ClientOptions } from '../../functions/client/client.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';

export interface ForwardedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface LossyConnection {
  readonly url: string;
  readonly counts: { answered: number; lost: number };
  readonly stop: () => Promise<void>;
}

/** @param forward hands a request to the backend, which always gets it */
export async function startLossyConnection(
  forward: (request: ForwardedRequest) => Promise<ForwardedAnswer>,
  { lostShare, delayMaxMs }: { readonly lostShare: number; readonly delayMaxMs: number },
): Promise<LossyConnection> {
  const counts = { answered: 0, lost: 0 };
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { status, headers, body } = await forward({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      });
      if (Math.random() < lostShare) {
        counts.lost += 1;
        // Half of them break in the middle of the body.
        if (counts.lost % 2 === 0) {
          response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
          response.write(body.slice(0, body.length / 2));
          await sleep(5);
        }
        request.socket.destroy();
        return;
      }
      await sleep(Math.random() * delayMaxMs);
      counts.answered += 1;
      response.writeHead(status, headers).end(body);
    };
    answer().catch(() => {
      // The way to the backend broke by itself, as one that was kept open and is closed there just now.
      counts.lost += 1;
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Headers but for those of the connection they came by. */
export const without = (
  headers: Readonly<Record<string, string>>,
  ...names: readonly string[]
): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

export interface Executed {
  /** How the calls ended, each kind and code with its count. */
  readonly results: Readonly<Record<string, number>>;
  /** Of each account: what was asked for and what its ledger and balance say. */
  readonly accounts: readonly {
    readonly asked: number;
    readonly entries: number;
    readonly balance: number;
  }[];
}

/**
 * Opens accounts and gives each one point after the other, `commands` in all, some at once.
 * @returns what the client was told, and what the backend has
 */
export async function earnThrough(
  url: string,
  token: string,
  {
    accounts,
    commands,
    atOnce,
    patience = {},
    told = () => undefined,
  }: {
    readonly accounts: number;
    readonly commands: number;
    readonly atOnce: number;
    readonly patience?: NonNullable<ClientOptions<unknown>['patience']>;
    /** Called each time a call has ended. */
    readonly told?: (ended: number) => void;
  },
): Promise<Executed> {
  const client = createClient({ baseUrl: url, token, domains: { pointAccounts }, patience });
  const results: Record<string, number> = {};
  let ended = 0;
  const count = (name: string): void => {
    results[name] = (results[name] ?? 0) + 1;
    ended += 1;
    told(ended);
  };
  const ids: string[] = [];
  await pMap(
    Array.from({ length: accounts }, (_, n) => n),
    async () => {
      const opened = await client.pointAccounts.create({ owner: 'ada' });
      count(opened.kind === 'done' ? 'done' : opened.code);
      if (opened.kind === 'done') ids.push(opened.entity.id);
    },
    { concurrency: atOnce },
  );
  const earned = commands - accounts;
  await pMap(
    Array.from({ length: earned }, (_, n) => ids[n % ids.length] ?? ''),
    async (id) => {
      const result = await client.pointAccounts.earn(id, { amount: 1, reason: 'Welcome' });
      count(result.kind === 'done' ? 'done' : result.code);
    },
    { concurrency: atOnce },
  );
  return {
    results,
    accounts: await pMap(
      ids,
      async (id, index) => {
        let entries = 0;
        for await (const { command } of client.pointAccounts.ledger(id)) if (command === 'earn') entries += 1;
        const { balance } = await client.balances.get(`${id}:balance`);
        return { asked: Math.floor((earned - 1 - index) / ids.length) + 1, entries, balance };
      },
      { concurrency: atOnce },
    ),
  };
}
