/** The payment provider of the guided run: a real HTTP receiver with tempers, that can be taken down and comes back. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { signatureHeaders } from '../../../functions/runtime/webhook-signature.ts';
import { sendJson, startHttpReceiver } from '../../local/receivers/http-receiver.ts';
import type { Receiver } from '../../local/receivers/http-receiver.ts';

export interface Provider extends Receiver {
  /** Signs its callbacks, and our calls. */
  readonly secret: string;
  /** Where callbacks go. */
  callBackAt(apiUrl: string): void;
  /** From now on calls about this entity are answered 503. */
  failFor(entity: string): void;
  recover(): void;
  /** The idempotency keys it saw for an entity, one a call. */
  keysOf(entity: string): readonly string[];
  /** How often it acted for an entity. */
  actsFor(entity: string): number;
}

const callBackAfterMs = 1_500;

/** Its temper stands in the data of a call: `says-no`, `hangs` (it acts and never answers), `calls-back` (202, later). */
export async function startProvider(): Promise<Provider> {
  const failing = new Set<string>();
  const seen: { readonly entity: string; readonly key: string }[] = [];
  /** By idempotency key: for whom it acted. */
  const acted = new Map<string, string>();
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  let apiUrl = '';

  async function callBack(id: string, receiver: string): Promise<void> {
    await sleep(callBackAfterMs);
    const body = JSON.stringify({ id, outcome: 'done', result: { reference: id } });
    const headers = {
      'content-type': 'application/json',
      ...signatureHeaders([secret], randomUUID(), body, Date.now()),
    };
    await fetch(`${apiUrl}/callbacks/${receiver}`, { method: 'POST', body, headers });
  }

  function take(request: IncomingMessage, text: string, response: ServerResponse): void {
    const { entity } = JSON.parse(text) as { entity: string };
    const key = String(request.headers['idempotency-key']);
    seen.push({ entity, key });
    if (failing.has(entity)) {
      sendJson(response, 503, { error: 'down' });
      return;
    }
    if (text.includes('says-no')) {
      sendJson(response, 402, { reason: 'card refused' });
      return;
    }
    acted.set(key, entity);
    if (text.includes('hangs')) return;
    if (text.includes('calls-back')) {
      sendJson(response, 202, {});
      void callBack(key, String(request.headers['webhook-receiver'])).catch(() => undefined);
      return;
    }
    sendJson(response, 200, { reference: key });
  }

  const receiver = await startHttpReceiver((request, body, response) => {
    if (request.method === 'POST') {
      take(request, body.toString(), response);
      return;
    }
    const id = new URL(request.url ?? '/', 'http://localhost').searchParams.get('id') ?? '';
    if (acted.has(id)) sendJson(response, 200, { outcome: 'done', result: { reference: id } });
    else sendJson(response, 404, {});
  });
  return {
    ...receiver,
    secret,
    callBackAt: (url) => {
      apiUrl = url;
    },
    failFor: (entity) => void failing.add(entity),
    recover: () => {
      failing.clear();
    },
    keysOf: (entity) => seen.filter((call) => call.entity === entity).map(({ key }) => key),
    actsFor: (entity) => [...acted.values()].filter((one) => one === entity).length,
  };
}
