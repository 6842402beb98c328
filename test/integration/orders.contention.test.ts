/**
 * Orders of 64 callers for one showing, and a provider that says no to a third of them, hangs for a tenth, and calls back
 * late for a third, some of them after the order was given up. Its books, our places and our money agree in the end.
 */
import { randomUUID } from 'node:crypto';
import pMap from 'p-map';
import { Agent } from 'undici';
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { signatureHeaders } from '../../functions/runtime/webhook-signature.ts';
import { createHttpCallReceiver, createHttpInquiry } from '../../functions/workers/receivers/http-call.ts';
import { createRunScheduledTransition } from '../../functions/workers/scheduled-transition.ts';
import { idOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { decided, patientClient as client } from '../support/patient.ts';
import { startReceiver } from '../support/receivers.ts';
import type { TestReceiver } from '../support/receivers.ts';

const callers = 64;
const capacity = 150;
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const tenant = 'acme';

type Temper = 'says no' | 'hangs' | 'calls back' | 'says yes';

/** Of `customer 7`. */
const numberOf = (customer: string): number => Number(customer.split(' ')[1]);

/** How it takes a customer's charge. */
function temperFor(customer: number): Temper {
  if (customer % 10 === 9) return 'hangs';
  return (['says no', 'calls back', 'says yes'] as const)[customer % 3] ?? 'says yes';
}

interface Order {
  readonly id: string;
  readonly status: string;
  readonly customer: string;
  readonly places: number;
  readonly amount: number;
  readonly answeredBy: string;
}

/** What the worker sends: a charge, or a refund of an order that was charged. */
interface Sent {
  readonly id: string;
  readonly entity: string;
  readonly data: {
    readonly charge?: { readonly customer: string; readonly amount: number };
    readonly refund?: { readonly amount: number };
  };
}

/** It acts at every call, whatever the key, and knows by message what it did. */
class Provider {
  /** One entry an act, signed as its money moves: what came in is positive. */
  readonly books: { readonly order: string; readonly amount: number }[] = [];
  /** Messages that it took, and has not acted on. */
  readonly taken = new Map<string, Sent>();
  readonly #acted = new Set<string>();
  readonly #refused = new Set<string>();
  /** By order. */
  readonly #customers = new Map<string, number>();

  constructor(receiver: TestReceiver) {
    receiver.answer = (response, { method, body, path }) => {
      if (method === 'GET') {
        const id = new URL(path, receiver.url).searchParams.get('id') ?? '';
        const known = this.#outcomeOf(id);
        response.writeHead(known === undefined ? 404 : 200).end(JSON.stringify({ outcome: known }));
        return;
      }
      const sent = JSON.parse(body) as Sent;
      switch (this.#temperOf(sent)) {
        case 'says no':
          this.#refused.add(sent.id);
          response.writeHead(402).end('{"reason":"no"}');
          return;
        case 'calls back':
          this.taken.set(sent.id, sent);
          response.writeHead(202).end();
          return;
        case 'hangs':
          this.act(sent);
          return;
        default:
          this.act(sent);
          response.writeHead(200).end('{"reference":"ch_1"}');
      }
    };
  }

  act({ id, entity: order, data: { charge, refund } }: Sent): void {
    this.books.push({ order, amount: (charge?.amount ?? 0) - (refund?.amount ?? 0) });
    this.#acted.add(id);
    this.taken.delete(id);
  }

  /** It refuses the refunds of every fourth customer, and hangs at those of some others. */
  #temperOf({ entity, data: { charge } }: Sent): Temper {
    if (charge) this.#customers.set(entity, numberOf(charge.customer));
    const customer = this.#customers.get(entity) ?? 0;
    if (charge) return temperFor(customer);
    return customer % 4 === 0 ? 'says no' : customer % 10 === 2 ? 'hangs' : 'says yes';
  }

  #outcomeOf(id: string): string | undefined {
    if (this.#acted.has(id)) return 'done';
    if (this.#refused.has(id)) return 'refused';
    return this.taken.has(id) ? 'pending' : undefined;
  }
}

/** Workers of calls and of mails. */
function workersOf(outbox: TestOutbox, provider: TestReceiver, dispatcher: Agent) {
  const settingsOf = () => ({ url: provider.url, secrets: () => Promise.resolve([secret]) });
  const parts = { settingsOf, clock: outbox.clock, dispatcher, publicOnly: false };
  const call = outbox.worker(createHttpCallReceiver(parts), {
    inquire: createHttpInquiry(parts),
    policy: { callTimeoutMs: 1_500 },
  });
  const mail = outbox.worker(
    ({ id }) => Promise.resolve({ kind: 'done', result: { messageId: `<${id}@example.com>` } }),
    { topic: 'notification' },
  );
  return { settingsOf, 'external-call': call, notification: mail };
}

it('places, money and the books of the provider agree', async () => {
  const [outbox, receiver] = await Promise.all([startOutbox(), startReceiver()]);
  const dispatcher = new Agent();
  const provider = new Provider(receiver);
  const workers = workersOf(outbox, receiver, dispatcher);
  const { settingsOf } = workers;
  const api = await startBackend({ tables: outbox.tables, clock: outbox.clock, client, settingsOf });

  /**
   * Every message on its way is delivered once, and some twice at once.
   * @returns how many there were, without those that the provider took: where its 202 was too slow, it is asked about them
   */
  async function deliverAll(): Promise<number> {
    const open = (await outbox.all()).filter(({ status }) => status === 'pending' || status === 'sent');
    const deliveries = open.flatMap((item, n) => (n % 8 === 0 ? [item, item] : [item]));
    await pMap(
      deliveries,
      async (item) => {
        const { topic, run } = item;
        if (topic !== 'external-call' && topic !== 'notification')
          throw new Error(`nobody works on ${topic}`);
        await workers[topic](sqsEvent(outbox.queues[topic], bodyOf(item, run)));
      },
      { concurrency: 12 },
    );
    return open.filter(({ id }) => !provider.taken.has(id)).length;
  }
  /** Until nothing moves any more but by a callback. */
  async function settle(): Promise<void> {
    for (let round = 0; (await deliverAll()) > 0; round += 1) {
      expect(round, 'rounds of deliveries').toBeLessThan(20);
      outbox.clock.ahead(61_000);
    }
  }

  const showingId = idOf(await api.post('/v1/showings', { title: 'The last night', capacity }));
  const placed = await order(api, showingId);
  const refused = placed.filter(({ status }) => status !== 201);
  expect(refused.length).toBeGreaterThan(0);
  for (const { json, text } of refused) expect(json['code'], text).toBe('sold_out');
  const orders = placed.filter(({ status }) => status === 201).map(({ json }) => json as unknown as Order);

  // Every eighth customer gives up while the provider is called.
  const [, cancelled] = await Promise.all([
    deliverAll(),
    pMap(
      orders.filter(({ customer }) => numberOf(customer) % 8 === 0),
      ({ id }) => decided((key) => api.post(`/v1/orders/${id}/cancel`, undefined, { key })),
    ),
  ]);
  for (const { status, json, text } of cancelled)
    expect(status === 200 || json['code'] === 'transition_not_allowed', text).toBe(true);
  await settle();

  // Of the callbacks that are late every other one comes after the order has given itself up.
  const late = [...provider.taken.values()];
  const early = late.filter(({ data }) => numberOf(data.charge?.customer ?? '') % 2 === 1);
  expect(Math.min(early.length, late.length - early.length)).toBeGreaterThan(0);
  await pMap(early, (sent) => callBack(outbox, api, provider, sent));
  outbox.clock.ahead(16 * 60_000);
  const runDue = createRunScheduledTransition(api.backend);
  await pMap(orders, ({ id: entity, answeredBy }) =>
    runDue({ tenant, collection: 'orders', entity, transition: 'cancel', dueAt: Date.parse(answeredBy) }),
  );
  await pMap([...provider.taken.values()], (sent) => callBack(outbox, api, provider, sent));
  await settle();
  expect((await outbox.all()).filter(({ status }) => status !== 'done')).toEqual([]);

  const ended = await pMap(
    orders,
    async ({ id }) => (await api.get(`/v1/orders/${id}`)).json as unknown as Order,
  );
  const states = new Set(ended.map(({ status }) => status));
  expect([...states].toSorted()).toEqual(['cancelled', 'declined', 'paid', 'refund_failed']);
  const keeps = ({ status }: Order): boolean => status === 'paid' || status === 'refund_failed';
  const sum = (of: readonly Order[], what: 'places' | 'amount'): number =>
    of.filter(keeps).reduce((total, one) => total + one[what], 0);
  // Of each order: charged at most once, refunded at most once, and what is left is what its state says.
  for (const one of ended) {
    const entries = provider.books.filter(({ order: id }) => id === one.id).map(({ amount }) => amount);
    expect(entries, `${one.customer}, ${one.status}`).toEqual(
      keeps(one)
        ? [one.amount]
        : one.status === 'cancelled' && entries.length > 0
          ? [one.amount, -one.amount]
          : [],
    );
    const payer = (await api.get(`/v1/balances/payer:${encodeURIComponent(one.customer)}:EUR`)).json;
    expect(payer['balance'], one.customer).toBe(keeps(one) ? -one.amount : 0);
  }
  expect((await api.get(`/v1/showings/${showingId}`)).json['remaining']).toBe(
    capacity - sum(ended, 'places'),
  );
  const takings = (await api.get(`/v1/balances/takings:${showingId}:EUR`)).json['balance'];
  expect(takings).toBe(sum(ended, 'amount'));
  expect(takings).toBe(provider.books.reduce((total, { amount }) => total + amount, 0));
  expect((await auditWhole(createAudit(api.backend), tenant)).problems).toEqual([]);

  api.backend.store.client.destroy();
  await dispatcher.destroy();
  await Promise.all([receiver.stop(), outbox.stop()]);
});

/** All callers at once. */
const order = (api: TestBackend, showingId: string): Promise<readonly Reply[]> =>
  Promise.all(
    Array.from({ length: callers }, (_, n) => {
      const body = {
        showingId,
        places: 1 + (n % 4),
        customer: `customer ${n}`,
        amount: 1_000 + n,
        currency: 'EUR',
      };
      return decided((key) => api.post('/v1/orders', body, { key, subject: `caller-${n}` }));
    }),
  );

/** The provider acts, and says so. */
async function callBack(
  { clock }: TestOutbox,
  api: TestBackend,
  provider: Provider,
  sent: Sent,
): Promise<void> {
  provider.act(sent);
  const rawBody = JSON.stringify({ id: sent.id, outcome: 'done', result: { reference: sent.id } });
  const headers = {
    ...signatureHeaders([secret], randomUUID(), rawBody, clock.now()),
    'content-type': 'application/json',
  };
  for (;;) {
    const { status } = await api.request('POST', '/callbacks/payments', {
      rawBody,
      headers,
      anonymous: true,
    });
    if (status !== 503) {
      expect(status).toBe(200);
      return;
    }
  }
}
