import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signatureHeaders } from '../../../functions/runtime/webhook-signature.ts';
import type { Log } from '../log.ts';
import { sendJson, startHttpReceiver, type Receiver } from './http-receiver.ts';

/** The built-in receiver of calls: a provider that does what the data of a call tell it to. */
export interface CallReceiver extends Receiver {
  /** Where callbacks go, once the API is reached. */
  callBackAt(apiUrl: string): void;
}

interface Outcome {
  readonly outcome: 'done' | 'refused';
  readonly result?: unknown;
  readonly reason?: string;
}

/** How it behaves where one of these words stands in a call's data, as a name for instance. */
const behaviours = ['says-no', 'hangs', 'calls-back', 'answers-twice'] as const;
type Behaviour = (typeof behaviours)[number];

const callBackAfterMs = 500;

/**
 * Receives the calls of the external-call worker, keeps each as a JSON file in the folder, and lists them all at `GET /`.
 * It acts once for each idempotency key and tells what became of it at `GET /?id=<message id>`. It says yes, unless the
 * data hold a word:
 *
 * | word            | what it does                                                                     |
 * | --------------- | -------------------------------------------------------------------------------- |
 * | `says-no`       | answers 402                                                                      |
 * | `hangs`         | acts, and never answers: the worker has to ask                                   |
 * | `calls-back`    | answers 202, acts, and calls back                                                |
 * | `answers-twice` | answers 202, calls back that it has acted, and then that it has not              |
 */
export async function startCallReceiver(folder: string, secret: string, log: Log): Promise<CallReceiver> {
  await mkdir(folder, { recursive: true });
  const outcomes = new Map<string, Outcome>();
  let apiUrl: string | undefined;

  async function callBack(id: string, receiver: string, outcome: Outcome): Promise<void> {
    await sleep(callBackAfterMs);
    if (apiUrl === undefined) return;
    const body = JSON.stringify({ id, ...outcome });
    const response = await fetch(`${apiUrl}/callbacks/${receiver}`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        ...signatureHeaders([secret], `cb_${randomUUID()}`, body, Date.now()),
      },
    });
    log('external calls', `called back for ${id}: ${outcome.outcome}, ${response.status}`);
  }

  const receiver = await startHttpReceiver(async (request, body, response) => {
    const id = new URL(request.url ?? '/', 'http://localhost').searchParams.get('id');
    if (request.method === 'GET') {
      if (id === null) await list(folder, response);
      else if (outcomes.has(id)) sendJson(response, 200, outcomes.get(id));
      else sendJson(response, 404, { message: 'never seen' });
      return;
    }
    const key = String(request.headers['idempotency-key'] ?? randomUUID());
    const text = body.toString('utf8');
    await keep(folder, { method: request.method, path: request.url, headers: request.headers, body: text });
    log('external calls', `${key} ${text.slice(0, 500)}`);
    const behaviour = behaviours.find((word) => text.includes(word));
    const known = outcomes.get(key) ?? decided(behaviour);
    outcomes.set(key, known);
    answer(behaviour, known, response);
    if (behaviour !== 'calls-back' && behaviour !== 'answers-twice') return;
    const name = String(request.headers['webhook-receiver']);
    void callBack(key, name, known)
      .then(() => (behaviour === 'answers-twice' ? callBack(key, name, refusal) : undefined))
      .catch((error: unknown) => {
        log('external calls', `the callback for ${key} failed: ${String(error)}`);
      });
  });
  return {
    ...receiver,
    callBackAt: (url) => {
      apiUrl = url;
    },
  };
}

const refusal: Outcome = { outcome: 'refused', reason: 'The provider says no.' };

const decided = (behaviour: Behaviour | undefined): Outcome =>
  behaviour === 'says-no' ? refusal : { outcome: 'done', result: { reference: `ref_${randomUUID()}` } };

function answer(
  behaviour: Behaviour | undefined,
  { result, reason }: Outcome,
  response: ServerResponse,
): void {
  switch (behaviour) {
    case 'hangs':
      return;
    case 'calls-back':
    case 'answers-twice':
      sendJson(response, 202, { message: 'accepted' });
      return;
    case 'says-no':
      sendJson(response, 402, { message: reason });
      return;
    case undefined:
      sendJson(response, 200, result);
      return;
    default:
      behaviour satisfies never;
  }
}

async function list(folder: string, response: ServerResponse): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const calls = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
  sendJson(response, 200, { calls: calls.map((call) => JSON.parse(call) as unknown) });
}

async function keep(folder: string, call: object): Promise<void> {
  const receivedAt = new Date().toISOString();
  const file = `${receivedAt.replaceAll(':', '-')}-${randomUUID()}.json`;
  await writeFile(path.join(folder, file), JSON.stringify({ receivedAt, ...call }, null, 2));
}
