/**
 * The API under end-to-end test: a deployed one named by `BASE_URL` and `TOKEN` (scopes `commands ops`, roles `refunds payouts issuer`), or a
 * backend of this checkout that is started for the test.
 */
import { randomUUID } from 'node:crypto';
import { startBackendProcess, tokenFor } from './started-backend.ts';

export interface Target {
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Sent>;
  /** A command under a fresh key unless one is given. */
  readonly post: (path: string, body?: unknown, options?: SendOptions) => Promise<Sent>;
  readonly get: (path: string, options?: SendOptions) => Promise<Sent>;
  readonly stop: () => Promise<void>;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly key?: string;
  /** `null` sends none. */
  readonly token?: null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export async function openTarget(): Promise<Target> {
  // `vitest.config.ts` hands BASE_URL on by this name.
  const { TARGET_URL: given = '', TOKEN: token } = process.env;
  if (given !== '') {
    if (token === undefined || token === '')
      throw new Error(
        'BASE_URL needs a TOKEN with the scopes "commands ops" and the roles "refunds payouts issuer"',
      );
    return target(given.replace(/\/$/, ''), token);
  }
  const backend = await startBackendProcess();
  return target(backend.url, await tokenFor(`e2e-${randomUUID()}`), async () => {
    await backend.stop();
  });
}

/** @param stop what there is to stop; nothing, where the API is somebody else's */
export function target(
  baseUrl: string,
  token: string,
  stop: () => Promise<void> = () => Promise.resolve(),
): Target {
  const send: Target['send'] = async (method, path, options = {}) => {
    const content =
      options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...(options.token !== null && { authorization: `Bearer ${token}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...(options.key !== undefined && { 'idempotency-key': options.key }),
        ...options.headers,
      },
      ...(content !== undefined && { body: content }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? (JSON.parse(text) as Sent['json']) : {},
    };
  };
  return {
    send,
    post: (path, body, options = {}) =>
      send('POST', path, { key: randomUUID(), ...(body !== undefined && { body }), ...options }),
    get: (path, options) => send('GET', path, options),
    stop,
  };
}
