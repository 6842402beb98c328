/** Calls of the public API. Every outcome is a value; a 401 ends the session. */

/** A problem document (RFC 9457) as the API sends it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly allowedTransitions?: readonly string[];
  readonly entityStatus?: string;
  /** Of `redrive_running`: the run that goes on. */
  readonly run?: string;
}

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** Nobody knows whether the request arrived. */
  | { readonly kind: 'unreachable' };

/** An answer that brought nothing. */
export type Failed = Exclude<Answer<unknown>, { readonly kind: 'ok' }>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly ifMatch?: string;
}

export interface Api {
  readonly get: <T>(path: string, query?: Readonly<Record<string, string | undefined>>) => Promise<Answer<T>>;
  readonly post: <T>(path: string, options?: SendOptions) => Promise<Answer<T>>;
}

/** The root of the API; behind a REST API it is the stage's. */
const root = new URL('.', document.baseURI);

/** @param path from the root, without a slash before it */
export const urlOf = (path: string): URL => new URL(path, root);

export function createApi(token: string, onUnauthorized: () => void): Api {
  const send = async <T>(url: URL, init: RequestInit): Promise<Answer<T>> => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    try {
      const response = await fetch(url, { ...init, headers });
      if (response.status === 401) onUnauthorized();
      if (!response.ok) return { kind: 'refused', problem: await problemOf(response) };
      const text = await response.text();
      return {
        kind: 'ok',
        value: (text === '' ? undefined : JSON.parse(text)) as T,
        replayed: response.headers.has('idempotent-replayed'),
      };
    } catch {
      return { kind: 'unreachable' };
    }
  };
  return {
    get: (path, query = {}) => {
      const url = urlOf(path);
      for (const [name, value] of Object.entries(query))
        if (value !== undefined && value !== '') url.searchParams.set(name, value);
      return send(url, {});
    },
    post: (path, { body, idempotencyKey, ifMatch } = {}) =>
      send(urlOf(path), {
        method: 'POST',
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
          ...(ifMatch !== undefined && { 'if-match': ifMatch }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

/** Calls for one page; each looks through a bounded number of messages. */
const callsMax = 100;

/** A page with something on it, where there is one: what is looked for may lie deep among others. */
export async function filledPage<T>(
  api: Api,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<Answer<Page<T>>> {
  let answer = await api.get<Page<T>>(path, query);
  for (let calls = 1; calls < callsMax; calls += 1) {
    if (answer.kind !== 'ok' || answer.value.items.length > 0 || answer.value.nextCursor === undefined) break;
    answer = await api.get<Page<T>>(path, { ...query, cursor: answer.value.nextCursor });
  }
  return answer;
}

/** A gateway's own refusal is no problem document; it has a status at least. */
async function problemOf(response: Response): Promise<Problem> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const base = { status: response.status, code: String(response.status), ...(requestId && { requestId }) };
  try {
    // A problem's `status` is the one of HTTP.
    return { ...base, ...((await response.json()) as Partial<Problem>), status: response.status };
  } catch {
    return base;
  }
}

/** `randomUUID` exists on secure origins only, and a stack in the local network is none. */
export const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Whether the same command may be sent again, with its key: nobody knows what became of it, or it was not decided. */
export const mayBeRepeated = (answer: Answer<unknown>): boolean =>
  answer.kind === 'unreachable' ||
  (answer.kind === 'refused' && (answer.problem.status >= 500 || answer.problem.status === 429));
