/** A caller of a backend that was started as a process of its own. */
import { tokenFor } from './started-backend.ts';
import type { StartedBackend } from './started-backend.ts';
import { target } from './target.ts';
import type { Sent } from './target.ts';

export interface HttpCaller {
  /** @throws where the answer is no success */
  readonly post: (path: string, body?: unknown) => Promise<Readonly<Record<string, unknown>>>;
  /** @throws where the answer is no success */
  readonly get: (path: string) => Promise<Readonly<Record<string, unknown>>>;
}

export async function httpCaller({ url }: Pick<StartedBackend, 'url'>, tenant: string): Promise<HttpCaller> {
  const { get, post } = target(url, await tokenFor(tenant));
  const successful = async (sending: Promise<Sent>): Promise<Sent['json']> => {
    const { status, text, json } = await sending;
    if (status >= 300) throw new Error(`${status}: ${text}`);
    return json;
  };
  return { get: (path) => successful(get(path)), post: (path, body) => successful(post(path, body)) };
}
