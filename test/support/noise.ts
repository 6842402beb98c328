/** What one tenant does to disturb another one, and what that other one is told meanwhile. Both call a whole backend. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { tokenFor } from './started-backend.ts';
import { target } from './target.ts';
import type { Target } from './target.ts';

export interface Noise {
  readonly name: string;
  /** Makes what the noise needs. @returns what one of its callers does, again and again */
  readonly prepare: (api: Target) => Promise<() => Promise<number>>;
  readonly callers: number;
  /** A caller begins anew after so many milliseconds at the earliest. */
  readonly everyMs: number;
}

const statusOf = async (sent: ReturnType<Target['get']>): Promise<number> => (await sent).status;

export const noises: readonly Noise[] = [
  {
    name: '50 bodies of 60 KB a second',
    // 20,000 characters of three bytes are all that a text may have.
    prepare: (api) =>
      Promise.resolve(() =>
        statusOf(api.post('/v1/articles', { slug: randomUUID(), title: 'Noise', body: '소'.repeat(20_000) })),
      ),
    callers: 50,
    everyMs: 1_000,
  },
  {
    name: '150 callers at one account',
    prepare: async (api) => {
      const { json } = await api.post('/v1/point-accounts', { owner: 'noisy' });
      const earn = { amount: 1, reason: 'noise' };
      return () => statusOf(api.post(`/v1/point-accounts/${String(json['id'])}/earn`, earn));
    },
    callers: 150,
    everyMs: 0,
  },
  {
    name: '20 audits at once',
    prepare: async (api) => {
      const payment = { payer: 'noisy', payee: 'noisier', amount: 1, currency: 'EUR' };
      await pMap(Array.from({ length: 500 }), () => api.post('/v1/payments', payment), { concurrency: 8 });
      return () => statusOf(api.get('/v1/audit'));
    },
    callers: 20,
    everyMs: 0,
  },
];

export interface Heard {
  readonly status: number;
  readonly ms: number;
}

export const quietCallers = 2;

/**
 * Callers who create and confirm payments, one after the other, and ask again with the same key where they are told 503.
 * @returns what each request was answered
 */
export async function quietTenant(url: string, payments: number): Promise<readonly Heard[]> {
  const api = target(url, await tokenFor(`quiet ${randomUUID()}`));
  const heard: Heard[] = [];
  const post = async (path: string, body?: unknown): Promise<string> => {
    const key = randomUUID();
    for (;;) {
      const began = performance.now();
      const { status, json } = await api.post(path, body, { key });
      heard.push({ status, ms: performance.now() - began });
      if (status !== 503) return String(json['id']);
    }
  };
  const pay = async (): Promise<void> => {
    const id = await post('/v1/payments', { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' });
    await post(`/v1/payments/${id}/confirm`);
  };
  await pMap(Array.from({ length: payments }), pay, { concurrency: quietCallers });
  return heard;
}

/**
 * Does something while another tenant makes noise.
 * @returns what came of that, and how often the noise was answered what
 */
export async function during<T>(
  url: string,
  { prepare, callers, everyMs }: Noise,
  work: () => Promise<T>,
): Promise<readonly [T, Readonly<Record<string, number>>]> {
  const call = await prepare(target(url, await tokenFor(`noisy ${randomUUID()}`)));
  const answers: Record<string, number> = {};
  let isOver = false;
  const caller = async (_: unknown, index: number): Promise<void> => {
    // They do not begin in the same moment.
    await sleep((index / callers) * everyMs);
    while (!isOver) {
      const next = sleep(everyMs);
      const status = await call();
      answers[status] = (answers[status] ?? 0) + 1;
      await next;
    }
  };
  const noise = pMap(Array.from({ length: callers }), caller, { concurrency: callers });
  try {
    // The noise is under way.
    await sleep(Math.max(1_000, everyMs));
    return [await work(), answers];
  } finally {
    isOver = true;
    await noise;
  }
}
