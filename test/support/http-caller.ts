/** A caller of a backend that was started as a process of its own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokenFor } from './started-backend.ts';
import type { StartedBackend } from './started-backend.ts';
import { target } from './target.ts';
import type { Sent } from './target.ts';

export interface HttpCaller {
  /**
   * Sends a command. One that is answered 503 is sent again with the same key, as the contract tells callers.
   * @param key a new one where none is given
   * @throws where the answer is no success
   */
  readonly post: (path: string, body?: unknown, key?: string) => Promise<Readonly<Record<string, unknown>>>;
  /** @throws where the answer is no success */
  readonly get: (path: string) => Promise<Readonly<Record<string, unknown>>>;
}

export async function httpCaller(
  { url }: Pick<StartedBackend, 'url'>,
  tenant: string,
  subject?: string,
): Promise<HttpCaller> {
  const { get, post } = target(url, await tokenFor(tenant, undefined, subject));
  const successful = ({ status, text, json }: Sent): Sent['json'] => {
    if (status >= 300) throw new Error(`${status}: ${text}`);
    return json;
  };
  return {
    get: async (path) => successful(await get(path)),
    post: async (path, body, key = randomUUID()) => {
      for (;;) {
        const sent = await post(path, body, { key });
        if (sent.status !== 503) return successful(sent);
        await sleep(Number(sent.headers.get('retry-after') ?? 1) * 1_000);
      }
    },
  };
}
