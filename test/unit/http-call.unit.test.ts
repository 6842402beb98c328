/** What a call to the outside says, and what each answer to it means: against a real server, without a worker. */
import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Agent } from 'undici';
import type { buildConnector } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { message as limits } from '../../functions/runtime/limits.ts';
import { signatureHeaders } from '../../functions/runtime/webhook-signature.ts';
import type { NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { Inquired, OngoingCall, Received } from '../../functions/workers/receiver.ts';
import {
  createHttpCallReceiver,
  createHttpInquiry,
  sentByCall,
} from '../../functions/workers/receivers/http-call.ts';
import type { HttpCallParts } from '../../functions/workers/receivers/http-call.ts';
import { meaningOf } from '../../functions/workers/receivers/http-statuses.ts';
import { AddressNotAllowed, publicLookup } from '../../functions/workers/receivers/outbound-address.ts';
import { madeMessage } from '../support/messages.ts';
import { startReceiver, status } from '../support/receivers.ts';
import type { Answer, TestReceiver } from '../support/receivers.ts';

const now = Date.now();
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let receiver: TestReceiver;
let dispatcher: Agent;
let asked: string[];
beforeAll(async () => {
  receiver = await startReceiver();
  dispatcher = new Agent();
});
afterAll(async () => {
  await dispatcher.destroy();
  await receiver.stop();
});
beforeEach(() => {
  receiver.answer = status(200, 'received');
  asked = [];
});

interface World {
  readonly message?: Partial<NewMessage>;
  readonly url?: string;
  readonly parts?: Partial<HttpCallParts>;
  readonly call?: OngoingCall;
}
const ongoing = (): OngoingCall => ({ signal: new AbortController().signal, isSent: true });
const partsOf = ({ url = receiver.url, parts }: World): HttpCallParts => ({
  settingsOf: (name) => {
    asked.push(name);
    return { url, secrets: () => Promise.resolve([secret]) };
  },
  ...{ clock: { now: () => now }, dispatcher, publicOnly: false, ...parts },
});
const calling = (world: World = {}): Promise<Received> =>
  createHttpCallReceiver(partsOf(world))(madeMessage(now, world.message), world.call ?? ongoing());
const inquiring = (world: World = {}): Promise<Inquired> =>
  createHttpInquiry(partsOf(world))(madeMessage(now, world.message), world.call ?? ongoing());

const failure = (code: number, more: object = {}) => ({
  ...{ code: String(code), reason: `The receiver answered ${code}.`, answer: 'no', ...more },
});
const cut: Answer = (response) => response.destroy();
/** Where nobody listens. */
async function away(): Promise<string> {
  const gone = await startReceiver();
  await gone.stop();
  return gone.url;
}

describe('a status means of the effect', () => {
  test.each([
    [[202], 'accepted'],
    [[200, 201, 204, 299], 'done'],
    [[300, 301, 302, 304, 307, 308, 399], 'undeliverable'],
    [[425, 429, 503], 'did_not_act'],
    [[400, 401, 402, 404, 407, 410, 422, 424, 426, 428, 430, 499], 'refused'],
    [[100, 103, 303, 408, 409, 500, 501, 502, 504, 599, 0, 99, 600, 999], 'may_have_acted'],
  ] as const)('%j: %s', (statuses, meaning) => {
    expect(statuses.map(meaningOf)).toEqual(statuses.map(() => meaning));
  });
});

describe('a call', () => {
  test('names the message, the entity and its entry, and is signed', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const message = madeMessage(now, { seq: 7, traceparent });
    const call = ongoing();
    const received = await createHttpCallReceiver(partsOf({}))(message, call);
    expect(received).toEqual({ kind: 'done', result: { status: 200, body: 'received' } });
    const seen = receiver.calls.at(-1);
    expect(seen).toMatchObject({ method: 'POST', path: '/hook' });
    expect(seen?.headers).toMatchObject({
      ...{ 'content-type': 'application/json', 'idempotency-key': message.id, traceparent },
      'webhook-receiver': 'default',
    });
    const body = seen?.body ?? '';
    expect(new Webhook(secret).verify(body, seen?.headers as Record<string, string>)).toEqual({
      ...{ id: message.id, type: 'payment.confirmed', entity: message.entity },
      ...{ occurredAt: message.createdAt, data: { amount: 1250, seq: 7 } },
    });
    expect(call.isSent).toBe(true);
    const hash = createHash('sha256').update(body).digest('hex');
    expect(call.sent).toBe(`POST to default, ${Buffer.byteLength(body)} bytes, sha256 ${hash}`);
    expect(sentByCall(message)).toBe(call.sent);
    expect(asked).toEqual(['default']);
  });

  test('goes to the receiver that the message names, and has no trace where there is none', async () => {
    const call = ongoing();
    await calling({ message: { receiver: 'bank' }, call });
    expect(asked).toEqual(['bank']);
    expect(call.sent).toMatch(/^POST to bank, /);
    expect(sentByCall({ ...madeMessage(now), receiver: 'bank' })).toMatch(/^POST to bank, /);
    const { headers } = receiver.calls.at(-1) ?? {};
    expect(headers).toMatchObject({ 'webhook-receiver': 'bank' });
    expect(headers).not.toHaveProperty('traceparent');
  });

  test.each([
    [202, { kind: 'accepted' }],
    [200, { kind: 'done', result: { status: 200, body: 'no' } }],
    [402, { kind: 'refused', ...failure(402) }],
    [301, { kind: 'undeliverable', ...failure(301) }],
    [429, { kind: 'did_not_act', ...failure(429) }],
    [500, { kind: 'may_have_acted', ...failure(500) }],
  ])('that is answered %i says so with all that is known', async (code, expected) => {
    receiver.answer = status(code, 'no');
    expect(await calling()).toEqual(expected);
  });

  test.each([
    [429, '37', { retryAfterMs: 37_000 }],
    [500, '5', { retryAfterMs: 5_000 }],
    [503, 'soon', {}],
    [402, '37', {}],
    [301, '37', {}],
  ])('that is answered %i waits as the receiver asks by %j', async (code, retryAfter, more) => {
    receiver.answer = status(code, 'no', { 'retry-after': retryAfter });
    const { kind, ...rest } = await calling();
    expect(rest).toStrictEqual(failure(code, more));
    expect(kind).not.toBe('done');
  });

  test('keeps one byte more than is stored, so that the cut is seen, and waits for no more', async () => {
    const most = 'x'.repeat(limits.resultMaxBytes);
    const bodyOf = (received: Received) =>
      received.kind === 'done' ? received.result['body'] : received.kind;
    receiver.answer = status(200, most);
    expect(bodyOf(await calling())).toBe(most);
    const garbage = Buffer.from([0, 255, 254, 128, 10]);
    receiver.answer = (response) => response.writeHead(200).end(garbage);
    expect(bodyOf(await calling())).toBe(garbage.toString('utf8'));
    // It never ends.
    receiver.answer = (response) => response.writeHead(200).write(`${most}xx`);
    expect(bodyOf(await calling())).toBe(`${most}x`);
    receiver.answer = (response) => {
      response.writeHead(200).write(most, () => setTimeout(() => response.end('x'), 50));
    };
    expect(bodyOf(await calling())).toBe(`${most}x`);
  });

  test.each(['{"type":7}', '{"type":"","data":{}}', '{"type":"a"}', 'no JSON', undefined])(
    'whose payload is %j is never made',
    async (payload) => {
      const before = receiver.calls.length;
      const { payload: _, ...item } = madeMessage(now);
      const call = ongoing();
      const given = payload === undefined ? item : { ...item, payload };
      expect(await createHttpCallReceiver(partsOf({}))(given, call)).toEqual({
        ...{ kind: 'undeliverable', code: 'unreadable_message' },
        reason: 'The payload is not one of a call.',
      });
      expect([receiver.calls.length, call.isSent, call.sent]).toEqual([before, false, undefined]);
      expect(sentByCall(given)).toBeUndefined();
    },
  );

  test('that reached nobody did not act, and one that was cut off may have', async () => {
    const [never, once] = [ongoing(), ongoing()];
    expect(await calling({ url: await away(), call: never })).toEqual({
      ...{ kind: 'did_not_act', code: 'ECONNREFUSED', reason: 'The receiver could not be reached.' },
    });
    receiver.answer = cut;
    expect(await calling({ call: once })).toEqual({
      ...{ kind: 'may_have_acted', code: 'UND_ERR_SOCKET' },
      reason: 'The connection ended before the receiver had answered.',
    });
    expect([never.isSent, once.isSent]).toEqual([false, true]);
  });

  test('whose client fails after its first byte may have acted, whatever the failure is called', async () => {
    const failing = dispatcher.compose((dispatch) => (options, handler) => {
      const onResponseStart: typeof handler.onResponseStart = (controller) => {
        handler.onResponseError?.(controller, new TypeError('no such header'));
      };
      return dispatch(options, {
        onRequestStart: (...given) => handler.onRequestStart?.(...given),
        onResponseStart,
        onResponseError: () => undefined,
      });
    });
    const call = ongoing();
    expect(await calling({ call, parts: { dispatcher: failing } })).toEqual({
      ...{ kind: 'may_have_acted', code: 'connection_failed' },
      reason: 'The connection ended before the receiver had answered.',
    });
    expect(receiver.calls.at(-1)?.headers['idempotency-key']).toMatch(/^msg_/);
    expect(call.isSent).toBe(true);
  });

  test('that is given up before or after its first byte is told apart', async () => {
    const before = { ...ongoing(), signal: AbortSignal.abort() };
    expect(await calling({ call: before })).toMatchObject({ kind: 'did_not_act', code: 'connection_failed' });
    const hung: Answer = () => undefined;
    const unfinished: Answer = (response) => response.writeHead(200).write('a');
    for (const answer of [hung, unfinished]) {
      const controller = new AbortController();
      receiver.answer = (response, call) => {
        answer(response, call);
        setImmediate(() => {
          controller.abort();
        });
      };
      const after = { ...ongoing(), signal: controller.signal };
      expect(await calling({ call: after })).toMatchObject({
        ...{ kind: 'may_have_acted', code: 'connection_failed' },
      });
    }
  });

  test.each(['nowhere', 'ftp://127.0.0.1/'])('to %j can never be made', async (url) => {
    expect(await calling({ url })).toEqual({
      ...{ kind: 'undeliverable', code: 'invalid_request', reason: 'No such call can be made.' },
    });
  });

  test('goes to public addresses over HTTPS alone, where nothing else is allowed', async () => {
    const parts = { publicOnly: true };
    const before = receiver.calls.length;
    expect(await calling({ parts })).toEqual(notAllowed);
    const lookedUp = (error: Error): Agent => {
      const connect: buildConnector.BuildOptions = {
        lookup: (_name, _options, callback) => {
          callback(error, []);
        },
      };
      return new Agent({ connect });
    };
    const url = 'https://receiver.example/';
    const refusing = lookedUp(new AddressNotAllowed('it is not public'));
    expect(await calling({ url, parts: { ...parts, dispatcher: refusing } })).toEqual(notAllowed);
    const failing = lookedUp(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    expect(await calling({ url, parts: { ...parts, dispatcher: failing } })).toMatchObject({
      ...{ kind: 'did_not_act', code: 'ENOTFOUND' },
    });
    await Promise.all([refusing.destroy(), failing.destroy()]);
    expect(receiver.calls).toHaveLength(before);
  });
});

const notAllowed = {
  kind: 'undeliverable',
  code: 'target_not_allowed',
  reason: 'The target is not a public address over HTTPS.',
};

describe('on AWS a call', () => {
  let guarded: Agent;
  beforeAll(() => {
    guarded = new Agent({ connect: { lookup: publicLookup } });
  });
  afterAll(() => guarded.destroy());

  test('never goes to this machine, however it is named', async () => {
    const { port } = new URL(receiver.url);
    const before = receiver.calls.length;
    for (const url of [receiver.url, `https://127.0.0.1:${port}/`, `https://localhost:${port}/`]) {
      const parts = { publicOnly: true, dispatcher: guarded };
      expect(await calling({ url, parts })).toEqual(notAllowed);
    }
    expect(receiver.calls).toHaveLength(before);
  });
});

describe('an inquiry', () => {
  test('asks with the message’s id, signed, and says nothing of a body', async () => {
    const message = madeMessage(now, { receiver: 'bank' });
    const call = ongoing();
    await createHttpInquiry(partsOf({}))(message, call);
    const seen = receiver.calls.at(-1);
    expect(seen).toMatchObject({ method: 'GET', path: `/hook?id=${message.id}`, body: '' });
    expect(seen?.headers).not.toHaveProperty('content-type');
    expect(seen?.headers).not.toHaveProperty('idempotency-key');
    const { 'webhook-signature': signature } = signatureHeaders([secret], message.id, '', now);
    expect(seen?.headers).toMatchObject({ 'webhook-receiver': 'bank', 'webhook-signature': signature });
    expect(call.sent).toBe('GET to bank');
    await inquiring({ call });
    expect(call.sent).toBe('GET to default');
  });

  const noAnswer = (code: number) => ({
    ...{ kind: 'no_answer', code: String(code), reason: `The inquiry was answered ${code}.` },
  });
  test.each([
    [200, { outcome: 'done' }, { kind: 'done', result: { body: '' } }],
    [200, { outcome: 'done', result: 'ch_1' }, { kind: 'done', result: { body: 'ch_1' } }],
    [
      200,
      { outcome: 'refused', reason: 'no money' },
      { kind: 'refused', code: 'refused', reason: 'no money' },
    ],
    [200, { outcome: 'refused' }, { kind: 'refused', code: 'refused', reason: 'The receiver refused.' }],
    [200, { outcome: 'pending' }, { kind: 'pending' }],
    [200, { outcome: 'perhaps' }, noAnswer(200)],
    [200, 'not JSON', noAnswer(200)],
    // Of another status nothing is read.
    [202, { outcome: 'done' }, noAnswer(202)],
    [500, { outcome: 'done' }, noAnswer(500)],
    [404, { outcome: 'done' }, { kind: 'never_seen' }],
  ])('that is answered %i %j', async (code, body, expected) => {
    receiver.answer = status(code, typeof body === 'string' ? body : JSON.stringify(body));
    expect(await inquiring()).toEqual(expected);
  });

  test('that nobody answers, or that may not be made, has no answer', async () => {
    expect(await inquiring({ url: await away() })).toMatchObject({ kind: 'no_answer', code: 'ECONNREFUSED' });
    receiver.answer = cut;
    expect(await inquiring()).toEqual({
      ...{ kind: 'no_answer', code: 'UND_ERR_SOCKET' },
      reason: 'The connection ended before the receiver had answered.',
    });
    expect(await inquiring({ parts: { publicOnly: true } })).toEqual({ ...notAllowed, kind: 'no_answer' });
  });
});
