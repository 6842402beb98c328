/** Moments that no fault at a single call brings about: who is between whose two calls, and whose clock says what. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../functions/runtime/clock.ts';
import type { Reply } from '../support/backend.ts';
import { firstOf } from '../support/faults/checker.ts';
import { faultsAt, Injector } from '../support/faults/fault-client.ts';
import { startLab } from '../support/faults/lab.ts';
import type { Lab, Process } from '../support/faults/lab.ts';
import { gate } from '../support/faults/mutants.ts';
import type { Request } from '../support/faults/observed.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  const violations = await lab.violations();
  await lab.stop();
  expect(firstOf(violations)).toBeUndefined();
});

const payment = { payer: 'alice', payee: 'shop', amount: 1_250, currency: 'EUR' };
type Options = Partial<Pick<Request, 'subject' | 'key' | 'headers'>>;

async function post(process: Process, path: string, body?: unknown, options: Options = {}): Promise<Reply> {
  const { subject = 'alice', key = randomUUID(), headers = {} } = options;
  const reply = await lab.send(process, {
    method: 'POST',
    path,
    tenant: 'acme',
    subject,
    key,
    body,
    headers,
  });
  if (!reply) throw new Error('the process died');
  return reply;
}

async function newPayment(): Promise<string> {
  const { headers } = await post(await lab.start(), '/v1/payments', payment);
  return headers['location'] ?? '';
}

const nowait = { ttlSeconds: 60, wait: 'nowait' };

describe('a lock', () => {
  test('taken by two at once is held by one, and the other is told so', async () => {
    const path = await newPayment();
    const both = gate();
    const racers = await Promise.all([lab.start({ watch: both.watch }), lab.start({ watch: both.watch })]);
    const replies = racers.map((racer) => post(racer, `${path}/lock`, nowait));
    await both.reached(2);
    both.open();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 423]);
  });

  test.each(['wait', 'nowait'])('asked for twice at once with one key is one lock (%s)', async (wait) => {
    const path = await newPayment();
    const [one, other] = [await lab.start(), await lab.start()];
    const replies = await Promise.all(
      [one, other, one, other].map((process) =>
        post(process, `${path}/lock`, { ttlSeconds: 60, wait }, { key: 'one' }),
      ),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(200);
  });

  test.each(['wait', 'nowait'])('whose answer is lost does not wait for itself (%s)', async (wait) => {
    const path = await newPayment();
    const lossy = await lab.start({
      injector: new Injector(faultsAt({ 1: 'answer lost' })),
      sdkRetries: false,
    });
    const { status } = await post(lossy, `${path}/lock`, { ttlSeconds: 60, wait });
    expect(status).toBe(200);
  });

  test('taken behind a commit whose answer was lost does not deny the commit', async () => {
    const path = await newPayment();
    const other = await lab.start();
    // The transaction commits and its answer is lost; before the command looks again, somebody takes the lock.
    const injector = new Injector(({ index }) => (index === 1 ? 'answer lost' : undefined));
    let locked: Promise<Reply> | undefined;
    const lossy = await lab.start({
      injector,
      sdkRetries: false,
      watch: (client) => {
        beforeCall(3, client, async () => {
          locked ??= post(other, `${path}/lock`, nowait, { subject: 'bob' });
          await locked;
        });
      },
    });
    const { status, json } = await post(lossy, `${path}/confirm`);
    expect((await locked)?.status).toBe(200);
    expect([status, json['status']]).toEqual([200, 'confirmed']);
  });

  test('taken between look and write of a command keeps it out', async () => {
    const path = await newPayment();
    const other = await lab.start();
    let locked: Promise<Reply> | undefined;
    const slow = await lab.start({
      watch: (client) => {
        beforeCall(2, client, async () => {
          locked ??= post(other, `${path}/lock`, nowait, { subject: 'bob' });
          await locked;
        });
      },
    });
    const { status, json } = await post(slow, `${path}/confirm`);
    expect((await locked)?.status).toBe(200);
    expect([status, json['code']]).toEqual([423, 'locked']);
  });

  test('on a version that is gone between look and write is not taken', async () => {
    const path = await newPayment();
    const other = await lab.start();
    let confirmed: Promise<Reply> | undefined;
    const slow = await lab.start({
      watch: (client) => {
        beforeCall(2, client, async () => {
          confirmed ??= post(other, `${path}/confirm`);
          await confirmed;
        });
      },
    });
    const { status, json } = await post(slow, `${path}/lock`, nowait, { headers: { 'if-match': '"1"' } });
    expect((await confirmed)?.status).toBe(200);
    expect([status, json['code']]).toEqual([412, 'version_mismatch']);
  });
});

/** Runs something before the n-th request of a client leaves. */
function beforeCall(n: number, client: unknown, work: () => Promise<void>): void {
  let calls = 0;
  const { middlewareStack } = client as {
    middlewareStack: {
      add(
        middleware: (next: (args: object) => Promise<unknown>) => (args: object) => Promise<unknown>,
        options: { step: 'initialize'; name: string },
      ): void;
    };
  };
  middlewareStack.add(
    (next) => async (args) => {
      calls += 1;
      if (calls === n) await work();
      return next(args);
    },
    { step: 'initialize', name: 'before-call' },
  );
}

describe('clocks', () => {
  test('that are off by minutes replay the same answer', async () => {
    const path = await newPayment();
    const skewed = (minutes: number): Clock => ({ now: () => lab.clock.now() + minutes * 60_000 });
    const answers: Reply[] = [];
    for (const minutes of [0, -5, 5, -5]) {
      const process = await lab.start({ clock: skewed(minutes) });
      answers.push(await post(process, `${path}/confirm`, undefined, { key: 'skewed' }));
      answers.push(await post(process, `${path}/refund`, { amount: 5_000 }, { key: 'refused' }));
    }
    expect(new Set(answers.map(({ text }) => text)).size).toBe(2);
  });

  test('that are off by minutes never turn a history around', async () => {
    const path = await newPayment();
    const skewed = async (minutes: number): Promise<Process> =>
      lab.start({ clock: { now: () => lab.clock.now() + minutes * 60_000 } });
    await post(await skewed(5), `${path}/confirm`);
    await post(await skewed(-5), `${path}/refund`, { amount: 1 });
    const { json } = await lab.clean.get(`${path}/ledger`, { tenant: 'acme' });
    const times = (json['items'] as { at: string }[]).map(({ at }) => at);
    expect(times).toEqual([...times].sort());
  });

  test('that step back between two looks do not keep a hold for ever', async () => {
    const api = await lab.start();
    const showing = await post(api, '/v1/showings', { title: 'tonight', capacity: 1 });
    const reservation = await post(api, '/v1/reservations', {
      showingId: showing.json['id'],
      customer: 'ada',
      holdSeconds: 60,
    });
    const dueAt = Date.parse(String(reservation.json['heldUntil']));
    const timer = {
      entity: String(reservation.json['id']),
      collection: 'reservations',
      tenant: 'acme',
      transition: 'expire',
      dueAt,
    };
    // The worker's clock is set right by a second after the timer was found to be due.
    let looks = 0;
    const stepping: Clock = { now: () => ((looks += 1) === 1 ? dueAt : dueAt - 1_000) };
    await lab.due(await lab.start({ clock: stepping }), timer);
    await lab.due(await lab.start({ clock: { now: () => dueAt + 1 } }), timer);
    const { json } = await lab.clean.get(`/v1/reservations/${timer.entity}`, { tenant: 'acme' });
    expect(json['status']).toBe('expired');
  });
});

test('a timer that comes twice at once, and again later, happens once', async () => {
  const api = await lab.start();
  const showing = await post(api, '/v1/showings', { title: 'tonight', capacity: 1 });
  const body = { showingId: showing.json['id'], customer: 'ada', holdSeconds: 60 };
  const { json } = await post(api, '/v1/reservations', body);
  const dueAt = Date.parse(String(json['heldUntil']));
  const entity = String(json['id']);
  const timer = { entity, collection: 'reservations', tenant: 'acme', transition: 'expire', dueAt };
  lab.clock.advance(61_000);
  const workers = await Promise.all([lab.start(), lab.start(), lab.start()]);
  const ends = await Promise.all(workers.map((worker) => lab.due(worker, timer)));
  // A read is no snapshot: one that finds the winner's entity, and its key not yet, has nothing to do.
  expect(ends).toContain('done');
  expect(ends.filter((end) => end !== 'done' && end !== 'not_needed')).toEqual([]);
  expect(await lab.due(await lab.start(), timer)).toBe('done');
  const { json: after } = await lab.clean.get(String(showing.headers['location']), { tenant: 'acme' });
  expect(after['remaining']).toBe(1);
});

test('a commit that meets a confirm and an expiry at once lets one of them win', async () => {
  const api = await lab.start();
  const showing = await post(api, '/v1/showings', { title: 'tonight', capacity: 1 });
  const body = { showingId: showing.json['id'], customer: 'ada', holdSeconds: 60 };
  const { json, headers } = await post(api, '/v1/reservations', body);
  const dueAt = Date.parse(String(json['heldUntil']));
  const entity = String(json['id']);
  const timer = { entity, collection: 'reservations', tenant: 'acme', transition: 'expire', dueAt };
  const both = gate();
  const punctual = await lab.start({ watch: both.watch, clock: { now: () => dueAt - 1 } });
  const due = await lab.start({ watch: both.watch, clock: { now: () => dueAt } });
  const confirmed = post(punctual, `${headers['location'] ?? ''}/confirm`);
  const expired = lab.due(due, timer);
  await both.reached(2);
  both.open();
  const { status } = await confirmed;
  expect([status, await expired]).toEqual(status === 200 ? [200, 'not_needed'] : [409, 'done']);
});
