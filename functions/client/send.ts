/** One logical call over a connection that loses requests and answers. */

/** Waiting between tries, and for how long and how often a call is tried. */
export const patience = {
  /** The backend answers a request within 10 s, and API Gateway gives it up after 30. */
  attemptMs: 15_000,
  totalMs: 60_000,
  /** Where 30 % of the answers are lost, one call in 10^10 has none after twenty. */
  attemptsMax: 20,
  /** The first pause, which doubles up to the longest; half of each is by chance. */
  pauseMs: 100,
  pauseMaxMs: 5_000,
} as const;

export interface Connection {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly token: () => string | Promise<string>;
  readonly patience: { readonly [Name in keyof typeof patience]: number };
}

export interface Call {
  readonly method: 'GET' | 'POST';
  /** Begins with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** `undefined` where there is none, or none that is JSON. */
  readonly json: unknown;
}

/**
 * Sends a request until an answer says what became of it. It is the same request each time, key included, so that the
 * backend does it once however often it comes.
 * @returns `undefined` where nobody answered in time
 * @throws what the caller's signal is aborted with
 */
export async function send(connection: Connection, call: Call): Promise<Answer | undefined> {
  const { attemptsMax, totalMs } = connection.patience;
  const giveUpAt = Date.now() + totalMs;
  let last: Answer | undefined;
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const answer = await trySending(connection, call);
    if (answer && !mayPass(answer)) return answer;
    last = answer;
    const pauseMs = retryAfterMs(answer) ?? backoffMs(connection, attempt);
    if (attempt === attemptsMax || Date.now() + pauseMs > giveUpAt) break;
    await pause(pauseMs, call.signal);
  }
  return last;
}

/** @returns `undefined` where the connection, or the time, was lost before the whole answer had come */
async function trySending(
  { baseUrl, token, patience: { attemptMs } }: Connection,
  { method, path, headers, body, signal }: Call,
): Promise<Answer | undefined> {
  const timeout = AbortSignal.timeout(attemptMs);
  const authorization = `Bearer ${await token()}`;
  try {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        accept: 'application/json',
        authorization,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const { status } = response;
    const json = parsed(await response.text());
    // The backend says in JSON what it has done; what was cut short or made by somebody else is no answer.
    return response.ok && json === undefined ? undefined : { status, headers: response.headers, json };
  } catch (error) {
    signal?.throwIfAborted();
    // What `fetch` throws for a lost connection is a TypeError, for the time a TimeoutError.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) {
      return undefined;
    }
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether the same request may be answered otherwise in a moment. */
const mayPass = ({ status, json }: Answer): boolean =>
  status === 408 ||
  status === 429 ||
  status >= 500 ||
  (status === 409 && (json as { readonly code?: unknown } | undefined)?.code === 'request_in_progress');

/** The backend names seconds. */
function retryAfterMs(answer: Answer | undefined): number | undefined {
  const text = answer?.headers.get('retry-after') ?? '';
  return /^\d{1,5}$/.test(text) ? Number(text) * 1000 : undefined;
}

function backoffMs({ patience: { pauseMs, pauseMaxMs } }: Connection, attempt: number): number {
  const window = Math.min(pauseMs * 2 ** (attempt - 1), pauseMaxMs);
  return window * (0.5 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    }
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}
