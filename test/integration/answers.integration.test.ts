/** What receivers answer, by each way that there is, from the command to the entity: on real tables, queues and HTTP. */
import { randomUUID } from 'node:crypto';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReceiverSettings } from '../../functions/runtime/receivers.ts';
import { uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { signatureHeaders } from '../../functions/runtime/webhook-signature.ts';
import type { MessageItem, OnUncertain } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createHttpCallReceiver, createHttpInquiry } from '../../functions/workers/receivers/http-call.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { bodyOf, silent, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { startReceiver, status } from '../support/receivers.ts';
import type { Answer, TestReceiver } from '../support/receivers.ts';
import { dump } from '../support/table-dump.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let outbox: TestOutbox;
let api: TestBackend;
let provider: TestReceiver;
let dispatcher: Agent;
let work: QueueHandler;
let settings: ReceiverSettings;

beforeEach(async () => {
  [outbox, provider] = await Promise.all([startOutbox(), startReceiver()]);
  dispatcher = new Agent();
  settings = { url: provider.url, secrets: () => Promise.resolve([secret]) };
  const settingsOf = () => settings;
  api = await startBackend({ tables: outbox.tables, clock: outbox.clock, settingsOf });
  const parts = { settingsOf, clock: outbox.clock, dispatcher, publicOnly: false };
  work = outbox.worker(createHttpCallReceiver(parts), {
    inquire: createHttpInquiry(parts),
    policy: { callTimeoutMs: 300 },
  });
});
afterEach(async () => {
  api.backend.store.client.destroy();
  await dispatcher.destroy();
  await Promise.all([provider.stop(), outbox.stop()]);
});

/** A payment that was confirmed, and the message of its capture; `hold` in place of the inquiry, where a test wants it. */
async function capture(
  onUncertain: OnUncertain = 'inquire',
): Promise<{ path: string; message: MessageItem }> {
  const body = { payer: 'ada', payee: `shop-${randomUUID()}`, amount: 1250, currency: 'EUR' };
  const created = await api.post('/v1/payments', body);
  const path = String(created.headers['location']);
  expect((await api.post(`${path}/confirm`)).status).toBe(200);
  const id = String(created.json['id']);
  const items = [...(await dump(api.backend.store)).values()] as unknown as MessageItem[];
  const message = items.find(({ entity, topic }) => entity === id && topic === 'external-call');
  if (!message) throw new Error('nothing was sent');
  if (onUncertain === 'hold') {
    const { UpdateCommand } = await import('@aws-sdk/lib-dynamodb');
    await outbox.client.send(
      new UpdateCommand({
        TableName: outbox.tables.outbox,
        Key: { pk: message.pk, sk: message.sk },
        UpdateExpression: 'SET onUncertain = :hold',
        ExpressionAttributeValues: { ':hold': 'hold' },
      }),
    );
  }
  return { path, message };
}

async function deliver(message: MessageItem): Promise<MessageItem> {
  const { run } = await outbox.read(message);
  await work(sqsEvent(outbox.queues['external-call'], bodyOf(message, run)));
  return outbox.read(message);
}

/** Delivers again, each time past every wait, until the message is over or waits for a callback. */
async function deliverOn(message: MessageItem, times = 8): Promise<MessageItem> {
  let now = await deliver(message);
  for (let time = 1; time < times && (now.status === 'sent' || now.status === 'pending'); time += 1) {
    outbox.clock.ahead(60_000);
    now = await deliver(message);
  }
  return now;
}

const payment = async (path: string): Promise<Reply['json']> => (await api.get(path)).json;
const posts = () => provider.calls.filter(({ method }) => method === 'POST');

interface CallbackOptions {
  readonly receiver?: string;
  readonly by?: string;
  readonly at?: number;
  readonly to?: TestBackend;
}
function callBack(
  body: object,
  { receiver = 'payments', by = secret, at, to = api }: CallbackOptions = {},
): Promise<Reply> {
  const rawBody = JSON.stringify(body);
  const headers = { ...signatureHeaders([by], randomUUID(), rawBody, at ?? outbox.clock.now()) };
  return to.request('POST', `/callbacks/${receiver}`, {
    rawBody,
    headers: { ...headers, 'content-type': 'application/json' },
    anonymous: true,
  });
}

/** By method: what an inquiry is answered, and a call. */
const answering =
  (call: Answer, inquiry: Answer): Answer =>
  (response, seen) => {
    (seen.method === 'GET' ? inquiry : call)(response, seen);
  };
const never: Answer = () => undefined;
const cut: Answer = (response) => {
  response.destroy();
};

describe('the answer to the call itself', () => {
  test('yes: the message ends, and the entity has moved', async () => {
    provider.answer = status(200, '{"reference":"ch_7"}');
    const { path, message } = await capture();
    expect(await deliver(message)).toMatchObject({ status: 'done', answer: { outcome: 'done' } });
    expect(await payment(path)).toMatchObject({ status: 'confirmed', version: 3, providerReference: 'ch_7' });
    const { items } = (await api.get(`${path}/ledger`)).json as {
      items: { command: string; actor: string }[];
    };
    expect(items.at(-1)).toMatchObject({ command: 'captured', actor: 'receiver:external-call' });
  });

  test('no: the message is done with a refusal, and everything is posted back', async () => {
    provider.answer = status(402, '{"reason":"card expired"}');
    const { path, message } = await capture();
    const ended = await deliver(message);
    expect(ended).toMatchObject({
      status: 'done',
      refused: { code: '402', answer: '{"reason":"card expired"}' },
    });
    expect(await payment(path)).toMatchObject({ status: 'declined', declineReason: 'card expired' });
    const { messages } = {
      messages: (await api.get(`${path}/messages`)).json['items'] as { type: string }[],
    };
    expect(messages.map(({ type }) => type)).toEqual(['payment.capture', 'payment.declined']);
  });

  test('a delivery that comes again moves nothing twice', async () => {
    const { path, message } = await capture();
    await deliver(message);
    const before = await payment(path);
    await Promise.all([deliver(message), deliver(message)]);
    expect(await payment(path)).toEqual(before);
    expect(posts()).toHaveLength(1);
  });

  test('waits for an entity that is locked, and nobody is called again', async () => {
    const { path, message } = await capture();
    await api.post(`${path}/lock`, { ttlSeconds: 300 });
    expect(await deliver(message)).toMatchObject({
      status: 'sent',
      answer: { outcome: 'done' },
      answerWaits: { code: 'locked' },
    });
    const { items } = (await api.get('/v1/messages?status=sent')).json as {
      items: { answerWaits: object }[];
    };
    expect(items).toMatchObject([{ answerWaits: { code: 'locked' } }]);
    outbox.clock.ahead(301_000);
    expect((await deliver(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
  });

  test('that its transition does not understand is kept, and a person puts it right: the receiver did act', async () => {
    const article = { slug: 'hello-world', title: 'Hello', body: 'It works.' };
    const path = String((await api.post('/v1/articles', article)).headers['location']);
    expect((await api.post(`${path}/publish`)).status).toBe(200);
    const items = [...(await dump(api.backend.store)).values()] as unknown as MessageItem[];
    const message = items.find(({ topic }) => topic === 'llm');
    if (!message) throw new Error('nothing was sent');
    let calls = 0;
    const summarise = outbox.worker(
      () => {
        calls += 1;
        return Promise.resolve({ kind: 'done', result: { words: 3 } });
      },
      { topic: 'llm' },
    );
    for (let times = 0; times < 2; times += 1) {
      await summarise(sqsEvent(outbox.queues.llm, bodyOf(message)));
      expect(await outbox.read(message)).toMatchObject({
        status: 'sent',
        answer: { outcome: 'done', result: '{"words":3}' },
        answerWaits: { code: 'answer_not_understood' },
      });
      outbox.clock.ahead(60_000);
    }
    expect((await api.get(path)).json).toMatchObject({ status: 'published', version: 2 });
    // A person finds it, and says again what the receiver said, so that it is understood.
    const listed = (await api.get('/v1/messages?code=answer_not_understood')).json['items'];
    expect(listed).toMatchObject([{ id: message.id, status: 'sent' }]);
    const resolve = (outcome: string, result?: object): Promise<Reply> =>
      api.post(`/v1/messages/${message.id}/resolve`, {
        outcome,
        note: 'from its log',
        ...(result && { result }),
      });
    const told = async (...said: Parameters<typeof resolve>): Promise<unknown[]> => {
      const { status: code, json } = await resolve(...said);
      return [code, json['code']];
    };
    expect(await told('refused')).toEqual([409, 'answer_conflict']);
    expect(await told('done', { words: 3 })).toEqual([400, 'invalid_request']);
    for (let times = 0; times < 2; times += 1)
      expect((await resolve('done', { text: 'Hello.' })).json).toMatchObject({
        status: 'done',
        answer: { by: 'alice' },
      });
    expect((await api.get(path)).json).toMatchObject({ version: 3, summary: 'Hello.' });
    await summarise(sqsEvent(outbox.queues.llm, bodyOf(message)));
    expect(calls).toBe(1);
    expect((await api.get(path)).json).toMatchObject({ version: 3 });
  });

  test.each([429, 503])('%i: it did not act, and is called again', async (code) => {
    provider.answer = status(code);
    const { path, message } = await capture();
    expect(await deliver(message)).toMatchObject({ status: 'sent', unsettled: 0 });
    provider.answer = status(200);
    outbox.clock.ahead(60_000);
    expect((await deliver(message)).status).toBe('done');
    expect(posts()).toHaveLength(2);
    expect((await payment(path))['version']).toBe(3);
  });
});

describe('a call that may have acted', () => {
  const calls: readonly [string, Answer][] = [
    ['is cut off', cut],
    ['hangs', never],
    ['is answered 500', status(500)],
    ['is answered 504', status(504)],
    ['is answered 409', status(409)],
  ];

  test.each(calls)('and %s is asked about, not made again', async (_, call) => {
    provider.answer = answering(call, status(200, '{"outcome":"done","result":{"reference":"ch_9"}}'));
    const { path, message } = await capture();
    expect(await deliver(message)).toMatchObject({ status: 'sent', unsettled: 1 });
    const listed = (await api.get('/v1/messages?uncertain=true')).json['items'] as { id: string }[];
    expect(listed).toMatchObject([{ id: message.id, uncertain: true }]);
    expect((await deliverOn(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
    expect(provider.calls.at(-1)?.headers).toHaveProperty('webhook-signature');
    expect(await payment(path)).toMatchObject({ providerReference: 'ch_9' });
    expect((await api.get('/v1/messages?uncertain=true')).json['items']).toEqual([]);
  });

  test('and was refused, as the receiver says when it is asked', async () => {
    provider.answer = answering(cut, status(200, '{"outcome":"refused","reason":"no money"}'));
    const { path, message } = await capture();
    expect(await deliverOn(message)).toMatchObject({ status: 'done', refused: { reason: 'no money' } });
    expect(await payment(path)).toMatchObject({ status: 'declined', declineReason: 'no money' });
  });

  test('is asked about again while the receiver is not through with it, or cannot be asked', async () => {
    provider.answer = answering(cut, status(200, '{"outcome":"pending"}'));
    const { message } = await capture();
    expect((await deliverOn(message, 3)).status).toBe('sent');
    provider.answer = answering(cut, status(500));
    expect((await deliverOn(message, 2)).status).toBe('sent');
    provider.answer = answering(cut, status(200, '{"outcome":"done"}'));
    expect((await deliverOn(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
  });

  test('is made again where the receiver has never seen it, once it cannot be on its way any more', async () => {
    provider.answer = answering(cut, status(404));
    const { message } = await capture();
    await deliver(message);
    outbox.clock.ahead(uncertainty.onItsWayMs / 2);
    expect(await deliver(message)).toMatchObject({ unsettled: 1 });
    expect(posts()).toHaveLength(1);
    provider.answer = answering(status(200), status(404));
    outbox.clock.ahead(60_000);
    expect(await deliver(message)).toMatchObject({ unsettled: 0 });
    expect((await deliverOn(message)).status).toBe('done');
    expect(posts()).toHaveLength(2);
  });

  test('and was never seen at the last attempt says so on the dead letter', async () => {
    provider.answer = answering(cut, status(404));
    const { message } = await capture();
    const dead = await deliverOn(message, 40);
    expect(dead).toMatchObject({ status: 'dead', unsettled: 0, lastError: { code: 'attempts_exhausted' } });
    expect(dead.lastError?.reason).toContain('has never seen it');
    expect(posts()).toHaveLength(dead.attempts);
  });

  test('whose worker died is asked about, not made again', async () => {
    provider.answer = answering(never, status(200, '{"outcome":"done"}'));
    const { message } = await capture();
    void outbox.worker(() => new Promise(() => undefined))(
      sqsEvent(outbox.queues['external-call'], bodyOf(message)),
    );
    await expect.poll(async () => (await outbox.read(message)).attempts).toBe(1);
    outbox.clock.ahead(60_000);
    expect((await deliver(message)).status).toBe('done');
    expect(posts()).toEqual([]);
  });

  test('is given up after a day of inquiries, and stands in the list', async () => {
    provider.answer = answering(cut, status(200, '{"outcome":"pending"}'));
    const { message } = await capture();
    expect((await deliverOn(message, uncertainty.inquiriesMin + 2)).status).toBe('sent');
    outbox.clock.ahead(uncertainty.waitingMaxMs);
    expect(await deliverOn(message)).toMatchObject({ status: 'dead', unsettled: 1 });
    const { items } = (await api.get('/v1/messages?status=dead&uncertain=true')).json as { items: object[] };
    expect(items).toMatchObject([{ id: message.id, uncertain: true }]);
    // A redrive asks first.
    await redriveMessage(outbox.access, message);
    provider.answer = answering(cut, status(200, '{"outcome":"done"}'));
    expect((await deliverOn(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
  });

  test('is held for a person, and not redriven, where it must never be called again', async () => {
    provider.answer = answering(cut, status(200, '{"outcome":"done"}'));
    const { path, message } = await capture('hold');
    expect(await deliver(message)).toMatchObject({ status: 'dead', unsettled: 1 });
    const redriven = await api.post(`/v1/messages/${message.id}/redrive`);
    expect([redriven.status, redriven.json['code']]).toEqual([409, 'message_uncertain']);
    expect((await api.post('/v1/messages/redrive', { topic: 'external-call' })).json).toEqual({ count: 0 });
    expect(posts()).toHaveLength(1);
    const resolve = { outcome: 'done', note: 'seen in the books', result: { reference: 'ch_1' } };
    const resolved = await api.post(`/v1/messages/${message.id}/resolve`, resolve, { subject: 'olga' });
    expect(resolved.json).toMatchObject({
      status: 'done',
      answer: { by: 'olga', note: 'seen in the books' },
    });
    expect(await payment(path)).toMatchObject({ providerReference: 'ch_1' });
    const { items } = (await api.get(`${path}/ledger`)).json as { items: { actor: string }[] };
    expect(items.at(-1)).toMatchObject({ command: 'captured', actor: 'olga' });
  });

  test('no connection could be made: it did not act', async () => {
    await provider.stop();
    const { message } = await capture('hold');
    expect(await deliver(message)).toMatchObject({
      status: 'sent',
      unsettled: 0,
      lastError: { code: 'ECONNREFUSED' },
    });
    provider = await startReceiver();
  });
});

describe('a callback', () => {
  beforeEach(() => {
    provider.answer = status(202);
  });

  test('ends a message that waits for it, and may be repeated', async () => {
    const { path, message } = await capture();
    expect((await deliver(message)).status).toBe('waiting');
    const { items } = (await api.get('/v1/messages?status=waiting')).json as { items: { id: string }[] };
    expect(items).toMatchObject([{ id: message.id, status: 'waiting' }]);
    const said = { id: message.id, outcome: 'done', result: { reference: 'ch_2' } };
    for (let time = 0; time < 3; time += 1) expect((await callBack(said)).status).toBe(200);
    expect((await outbox.read(message)).status).toBe('done');
    expect(await payment(path)).toMatchObject({ version: 3, providerReference: 'ch_2' });
    // What was handed on to a worker finds it over.
    expect((await deliver(message)).status).toBe('done');
    expect((await payment(path))['version']).toBe(3);
  });

  test('that repeats a yes with another result is taken and told of; the first one counts', async () => {
    const { path, message } = await capture();
    await deliver(message);
    const warned: unknown[] = [];
    const log = { ...silent, warn: (text: string) => warned.push(text) };
    const shared = { tables: outbox.tables, clock: outbox.clock };
    const watched = await startBackend({ ...shared, log, settingsOf: () => settings });
    const say = (result: object) => callBack({ id: message.id, outcome: 'done', result }, { to: watched });
    expect((await say({ reference: 'ch_2', more: 1 })).status).toBe(200);
    expect((await say({ more: 1, reference: 'ch_2' })).status).toBe(200);
    expect(warned).toEqual([]);
    expect((await say({ reference: 'ch_3' })).status).toBe(200);
    expect(warned).toEqual(['the same answer with another result']);
    expect(await payment(path)).toMatchObject({ version: 3, providerReference: 'ch_2' });
    watched.backend.store.client.destroy();
  });

  test('that contradicts the one before is refused, and the first one counts', async () => {
    const { path, message } = await capture();
    await deliver(message);
    expect((await callBack({ id: message.id, outcome: 'refused', reason: 'no money' })).status).toBe(200);
    const second = await callBack({ id: message.id, outcome: 'done' });
    expect([second.status, second.json['code']]).toEqual([409, 'answer_conflict']);
    expect(await payment(path)).toMatchObject({ status: 'declined', declineReason: 'no money' });
  });

  test('may come before the answer to the call itself', async () => {
    const { path, message } = await capture();
    provider.answer = (response) => {
      void callBack({ id: message.id, outcome: 'done' }).then(() => response.writeHead(202).end());
    };
    await deliver(message);
    expect((await outbox.read(message)).status).toBe('done');
    expect((await payment(path))['version']).toBe(3);
  });

  test('counts after the message was given up', async () => {
    provider.answer = status(503);
    const { path, message } = await capture();
    expect((await deliverOn(message)).status).toBe('dead');
    expect((await callBack({ id: message.id, outcome: 'done' })).status).toBe(200);
    expect((await outbox.read(message)).status).toBe('done');
    expect((await payment(path))['version']).toBe(3);
  });

  test('is kept where the entity is locked, and carried out by a worker afterwards', async () => {
    const { path, message } = await capture();
    await deliver(message);
    await api.post(`${path}/lock`, { ttlSeconds: 300 });
    expect((await callBack({ id: message.id, outcome: 'done' })).status).toBe(200);
    expect(await outbox.read(message)).toMatchObject({
      // Written while it was `pending`, it would come through the stream, and its delivery would write it again.
      ...{ status: 'sent', answer: { outcome: 'done' } },
      answerWaits: { code: 'locked' },
    });
    outbox.clock.ahead(301_000);
    expect((await deliver(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
  });

  test('that is late by a day: the receiver is asked', async () => {
    const { message } = await capture();
    await deliver(message);
    outbox.clock.ahead(uncertainty.waitingMaxMs - 1_000);
    expect((await deliver(message)).status).toBe('waiting');
    outbox.clock.ahead(2_000);
    provider.answer = answering(status(500), status(200, '{"outcome":"done"}'));
    expect((await deliver(message)).status).toBe('done');
    expect(posts()).toHaveLength(1);
  });

  test('is refused without a good signature, and for a message that is not known', async () => {
    const { message } = await capture();
    await deliver(message);
    const said = { id: message.id, outcome: 'done' };
    const old = outbox.clock.now() - 301_000;
    for (const options of [{ by: 'another secret' }, { at: old }, { at: outbox.clock.now() + 302_000 }]) {
      const reply = await callBack(said, options);
      expect([reply.status, reply.json['code']]).toEqual([401, 'bad_signature']);
    }
    for (const [body, options] of [
      [said, { receiver: 'bank' }],
      [{ ...said, id: message.id.replace(/_2_0$/, '_9_0') }, {}],
      [{ ...said, id: 'msg' }, {}],
    ] as const) {
      expect((await callBack(body, options)).status).toBe(404);
    }
    expect((await callBack({ ...said, more: 1 })).status).toBe(400);
    expect((await callBack({ ...said, outcome: 'perhaps' })).status).toBe(400);
    expect((await api.request('GET', '/callbacks/payments', { anonymous: true })).status).toBe(405);
    expect((await outbox.read(message)).status).toBe('waiting');
  });
});

describe('ordered messages', () => {
  test('go out in the order of their entries, and wait, visibly, behind one that is dead', async () => {
    const entityId = 'pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    const ordered = (seq: number, receiver = 'payments'): Promise<MessageItem> =>
      outbox.put({ entityId, seq, receiver, ordered: true });
    const [first, second, third, other] = [
      await ordered(2),
      await ordered(3),
      await ordered(4),
      await ordered(5, 'bank'),
    ];
    const free = await outbox.put({ entityId, seq: 6 });
    provider.answer = status(400);
    expect(await deliver(second)).toMatchObject({
      status: 'sent',
      attempts: 0,
      unsettled: 0,
      behind: first.id,
    });
    expect((await deliver(first)).status).toBe('dead');
    outbox.clock.ahead(200_000);
    provider.answer = status(200);
    expect(await deliver(third)).toMatchObject({ attempts: 0, behind: second.id });
    const { items } = (await api.get('/v1/messages?status=sent')).json as { items: object[] };
    expect(items).toMatchObject([
      { id: third.id, behind: second.id },
      { id: second.id, behind: first.id },
    ]);
    // Others overtake: those to another receiver, and those that do not ask for it.
    for (const item of [other, free]) expect((await deliver(item)).status).toBe('done');
    const resolve = { outcome: 'done', note: 'seen in the books' };
    expect((await api.post(`/v1/messages/${first.id}/resolve`, resolve)).status).toBe(200);
    // The stream takes what waited to its queue, one after the other.
    expect(await outbox.read(second)).toMatchObject({ status: 'pending' });
    expect((await deliver(second)).status).toBe('done');
    expect(await outbox.read(third)).toMatchObject({ status: 'pending' });
    expect((await deliver(third)).status).toBe('done');
    const seqs = posts().map(({ body }) => (JSON.parse(body) as { data: { seq: number } }).data.seq);
    expect(seqs).toEqual([2, 5, 6, 3, 4]);
  });
});

describe('a person’s word', () => {
  const resolve = (id: string, outcome: string, options = {}): Promise<Reply> =>
    api.post(`/v1/messages/${id}/resolve`, { outcome, note: 'told by telephone' }, options);

  test('ends a dead message, may be repeated, and is not taken back', async () => {
    provider.answer = status(503);
    const { path, message } = await capture();
    expect((await deliverOn(message)).status).toBe('dead');
    expect((await resolve(message.id, 'refused')).status).toBe(200);
    expect((await resolve(message.id, 'refused')).json).toMatchObject({ status: 'done', refused: {} });
    const other = await resolve(message.id, 'done');
    expect([other.status, other.json['code']]).toEqual([409, 'answer_conflict']);
    expect((await payment(path))['status']).toBe('declined');
  });

  test('is for dead messages, for those who operate, and for those of the tenant', async () => {
    const { message } = await capture();
    const open = await resolve(message.id, 'done');
    expect([open.status, open.json['code']]).toEqual([409, 'message_not_dead']);
    expect((await resolve(message.id, 'done', { scope: 'commands' })).status).toBe(403);
    expect((await resolve(message.id, 'done', { tenant: 'another' })).status).toBe(404);
    expect((await api.post(`/v1/messages/${message.id}/resolve`, { outcome: 'done' })).status).toBe(400);
  });

  test('is refused with a result that the receiver could not have given', async () => {
    const article = { slug: randomUUID(), title: 'Hello', body: 'It works.' };
    const created = await api.post('/v1/articles', article);
    await api.post(`${String(created.headers['location'])}/publish`);
    const items = [...(await dump(api.backend.store)).values()] as unknown as MessageItem[];
    const message = items.find(({ topic }) => topic === 'llm');
    if (!message) throw new Error('nothing was sent');
    const refusing = outbox.worker(() => Promise.resolve({ kind: 'refused', code: 'x', reason: 'no' }), {
      topic: 'llm',
    });
    await refusing(sqsEvent(outbox.queues.llm, bodyOf(message)));
    expect((await outbox.read(message)).status).toBe('dead');
    const wrong = await resolve(message.id, 'done');
    expect([wrong.status, wrong.json['errors']]).toMatchObject([400, [{ path: '/result/text' }]]);
    const right = { outcome: 'done', note: 'written by hand', result: { text: 'It works.' } };
    expect((await api.post(`/v1/messages/${message.id}/resolve`, right)).json).toMatchObject({
      status: 'done',
    });
    expect(await payment(String(created.headers['location']))).toMatchObject({ summary: 'It works.' });
  });
});
