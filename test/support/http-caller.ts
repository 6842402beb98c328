/** A caller of a backend that was started as a process of its own. */
import { randomUUID } from 'node:crypto';
import { tokenFor } from './started-backend.ts';
import type { StartedBackend } from './started-backend.ts';

export interface HttpCaller {
  /** @throws where the answer is no success */
  readonly post: (path: string, body?: unknown) => Promise<Readonly<Record<string, unknown>>>;
  /** @throws where the answer is no success */
  readonly get: (path: string) => Promise<Readonly<Record<string, unknown>>>;
}

export async function httpCaller({ url }: Pick<StartedBackend, 'url'>, tenant: string): Promise<HttpCaller> {
  const authorization = `Bearer ${await tokenFor(tenant)}`;
  const answer = async (path: string, init: RequestInit): Promise<Readonly<Record<string, unknown>>> => {
    const response = await fetch(`${url}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Readonly<Record<string, unknown>>;
  };
  return {
    get: (path) => answer(path, { headers: { authorization } }),
    post: (path, body) =>
      answer(path, {
        method: 'POST',
        headers: {
          authorization,
          'idempotency-key': randomUUID(),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}
