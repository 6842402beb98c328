/** A caller of the API, who tells what was asked and what came back. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectThat, line } from './timeline.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isReplay: boolean;
}

export interface Caller {
  /** A command; `key` is fresh unless given, `expected` is the status that the story needs. */
  readonly post: (
    path: string,
    body?: unknown,
    options?: { key?: string; expected?: number },
  ) => Promise<Answer>;
  /** A command nobody is told of: for crowds. */
  readonly quietly: (path: string, body?: unknown) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
}

export interface Message {
  readonly id: string;
  readonly topic: string;
  readonly status: string;
  readonly attempts: number;
  readonly lastError?: { readonly reason: string; readonly code: string };
  readonly result?: Readonly<Record<string, unknown>>;
}

export function createCaller(baseUrl: string, token: string, subject: string): Caller {
  const send = async (method: string, path: string, body?: unknown, key?: string): Promise<Answer> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
      isReplay: response.headers.get('idempotent-replayed') === 'true',
    };
  };
  /** With the same key once more where time was too short, as the contract has callers do. */
  const command = async (path: string, body: unknown, key: string): Promise<Answer> => {
    for (let tries = 1; ; tries += 1) {
      const answer = await send('POST', path, body, key);
      if (answer.status !== 503 || tries === 5) return answer;
      await sleep(1_000);
    }
  };
  return {
    post: async (path, body, { key = randomUUID(), expected } = {}) => {
      const answer = await command(path, body, key);
      line(`${subject}: POST ${shortened(path)} -> ${summaryOf(answer)}`);
      const isExpected = expected === undefined ? answer.status < 300 : answer.status === expected;
      expectThat(
        isExpected,
        `POST ${path} to be answered ${expected ?? '2xx'}, not ${answer.status} ${answer.text}`,
      );
      return answer;
    },
    quietly: (path, body) => command(path, body, randomUUID()),
    get: (path) => send('GET', path),
  };
}

/** Ids are long, and their first and last characters tell them apart. */
const shortened = (path: string): string => path.replace(/([a-z]{3})_[0-9A-Z]{22}([0-9A-Z]{4})/g, '$1_…$2');

function summaryOf({ status, body, isReplay }: Answer): string {
  const shown = ['code', 'status', 'version', 'balance', 'remaining', 'refundedAmount', 'total'];
  const members = shown
    .filter((name) => body[name] !== undefined && body[name] !== status)
    .map((name) => `${name} ${String(body[name])}`);
  return [`${status}`, ...members, ...(isReplay ? ['(replayed)'] : [])].join(', ');
}

/** Asks again until an answer fits; everything asynchronous is waited for this way. */
export async function until<T>(what: string, ask: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const patienceMs = 90_000;
  const end = Date.now() + patienceMs;
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    expectThat(Date.now() < end, `${what} within ${patienceMs / 1000} s`);
    await sleep(200);
  }
}

/** An entity's messages, once all of them have one of these statuses. */
export async function messagesOnce(
  caller: Caller,
  path: string,
  statuses: readonly string[],
): Promise<readonly Message[]> {
  return until(
    `the messages of ${path} to be ${statuses.join(' or ')}`,
    async () => (await caller.get(`${path}/messages`)).body['items'] as readonly Message[],
    (messages) => messages.length > 0 && messages.every(({ status }) => statuses.includes(status)),
  );
}

export function tellMessages(messages: readonly Message[]): void {
  for (const { topic, status, attempts, lastError } of messages) {
    const calls = `after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
    line(`message to ${topic}: ${status} ${calls}${lastError ? `, last error ${lastError.code}` : ''}`);
  }
}

/** Where a created entity lies. */
export const pathOf = (collection: string, { body }: Answer): string =>
  `/v1/${collection}/${String(body['id'])}`;
