/** One story a domain, told over HTTP. Each begins from nothing and checks what it tells. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { messagesOnce, pathOf, tellMessages, until } from './caller.ts';
import type { Answer, Caller, Message } from './caller.ts';
import type { Provider } from './receiver.ts';
import { expectThat, heading, line } from './timeline.ts';

export interface Stage {
  /** Scope `commands` and `ops`. */
  readonly alice: Caller;
  readonly bob: Caller;
  readonly provider: Provider;
  /** Where the built-in mail server keeps what it got. */
  readonly mailFolder: string;
}

const payment = { payer: 'alice', payee: 'bookshop', amount: 4_200, currency: 'EUR' };

/** A payment whose provider is down. @returns how it ends, to be told after the other stories. */
export async function paymentWithReceiverDown({ alice, provider }: Stage): Promise<() => Promise<void>> {
  heading('A payment, its duplicate, and a provider that is down');
  const path = pathOf('payments', await alice.post('/v1/payments', payment));
  const entity = path.slice('/v1/payments/'.length);
  provider.failFor(entity);
  const first = await alice.post(`${path}/confirm`, undefined, { key: 'confirm-once' });
  const again = await alice.post(`${path}/confirm`, undefined, { key: 'confirm-once' });
  expectThat(
    again.isReplay && again.text === first.text,
    'the duplicate to get the first answer, byte for byte',
  );
  line('the caller has its answer; the provider answers 503, and the worker keeps trying meanwhile');
  return async () => {
    heading('The provider was down: five attempts, a dead letter, a redrive');
    const dead = await messagesOnce(alice, path, ['done', 'dead']);
    tellMessages(dead);
    const letter = dead.find(({ status }) => status === 'dead');
    expectThat(letter?.attempts === 5, 'the call to be dead after five attempts');
    provider.recover();
    line('the provider is back');
    await alice.post(`/v1/messages/${letter?.id ?? ''}/redrive`);
    tellMessages(await messagesOnce(alice, path, ['done']));
    const keys = provider.keysOf(entity);
    expectThat(keys.length === 6 && new Set(keys).size === 1, 'six calls with one idempotency key');
    line(`the provider saw ${keys.length} calls and one idempotency key`);
  };
}

export async function lastSeat({ alice }: Stage): Promise<void> {
  heading('Five places, forty buyers at once, and a hold that runs out');
  const showing = await alice.post('/v1/showings', { title: 'Evening show', capacity: 5 });
  const showingId = String(showing.body['id']);
  const buyers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      alice.quietly('/v1/reservations', { showingId, customer: `buyer ${n}` }),
    ),
  );
  const sold = buyers.filter(({ status }) => status === 201);
  const refused = buyers.filter(({ body }) => body['code'] === 'sold_out');
  line(`40 claims: ${sold.length} sold, ${refused.length} sold_out`);
  expectThat(sold.length === 5 && refused.length === 35, 'five sold and the rest refused');
  const [held] = sold;
  if (held) await alice.post(`${pathOf('reservations', held)}/cancel`);
  const short = await alice.post('/v1/reservations', { showingId, customer: 'carol', holdSeconds: 1 });
  const reservation = pathOf('reservations', short);
  line('carol holds the place for one second and does nothing');
  await until(
    'the hold to run out',
    () => alice.get(reservation),
    ({ body }) => body['status'] === 'expired',
  );
  const { body } = await alice.get(`/v1/showings/${showingId}`);
  line(`the reservation is expired by itself, remaining ${String(body['remaining'])}`);
  expectThat(body['remaining'] === 1, 'the place to be free again');
}

export async function settlement({ alice }: Stage): Promise<void> {
  heading('A settlement pays two payments out, all or none');
  const ids: string[] = [];
  for (const amount of [1_000, 2_500]) {
    const one = await alice.post('/v1/payments', { ...payment, payee: 'press', amount });
    ids.push(String(one.body['id']));
  }
  await alice.post(`/v1/payments/${ids[0] ?? ''}/confirm`);
  await settled(alice, 'payments', ids[0] ?? '');
  const draft = { payee: 'press', currency: 'EUR', paymentIds: ids };
  const path = pathOf('settlements', await alice.post('/v1/settlements', draft));
  await alice.post(`${path}/confirm`, undefined, { expected: 409 });
  await alice.post(`/v1/payments/${ids[1] ?? ''}/confirm`);
  await settled(alice, 'payments', ids[1] ?? '');
  await alice.post(`${path}/confirm`);
  await alice.post(`${path}/pay`);
  const paid = await settled(alice, 'settlements', path.split('/').at(-1) ?? '');
  expectThat(paid['status'] === 'paid', 'the settlement to be paid once the bank has said so');
  line('the bank has answered, and the settlement is paid');
  const messages = await messagesOnce(alice, path, ['done']);
  tellMessages(messages);
  line(`the statement lies at ${JSON.stringify(messages.find(({ topic }) => topic === 'report')?.result)}`);
}

/** What a receiver answered has moved the entity. */
async function settled(caller: Caller, collection: string, id: string): Promise<Record<string, unknown>> {
  const isAnswered = (messages: readonly Message[]): boolean =>
    messages.some(({ topic }) => topic === 'external-call') &&
    messages.every(({ topic, status }) => topic !== 'external-call' || status === 'done');
  await until(
    `the provider to answer for ${id}`,
    async () => (await caller.get(`/v1/${collection}/${id}/messages`)).body['items'] as readonly Message[],
    isAnswered,
  );
  return (await caller.get(`/v1/${collection}/${id}`)).body;
}

/** Six customers of one show, each with a provider of another temper. */
export async function checkout({ alice, provider }: Stage): Promise<void> {
  heading('Six orders, and a provider that says no, hangs, and calls back late');
  const showing = await alice.post('/v1/showings', { title: 'Late show', capacity: 10 });
  const showingId = String(showing.body['id']);
  const order = (customer: string): Promise<Answer> =>
    alice.quietly('/v1/orders', { showingId, places: 2, customer, amount: 3_000, currency: 'EUR' });
  const customers = ['ada', 'bert says-no', 'cleo calls-back', 'dora hangs', 'emil'];
  const orders = await Promise.all(customers.map(order));
  const sixth = await order('fritz');
  line(`five orders of two places each; the sixth: ${String(sixth.body['code'])}`);
  expectThat(sixth.body['code'] === 'sold_out', 'the sixth order to find no place');
  const ends = await Promise.all(orders.map(({ body }) => settled(alice, 'orders', String(body['id']))));
  for (const [index, end] of ends.entries()) line(`${customers[index] ?? ''}: ${String(end['status'])}`);
  expectThat(
    ends.map(({ status }) => status).join() === 'paid,declined,paid,paid,paid',
    'all to be paid but the one that the provider refused',
  );
  const regret = String(orders[4]?.body['id']);
  await alice.post(`/v1/orders/${regret}/cancel`);
  const cancelled = await settled(alice, 'orders', regret);
  line(`emil cancels, and is refunded: ${String(cancelled['status'])}`);
  const { body } = await alice.get(`/v1/showings/${showingId}`);
  line(`four places are free again: remaining ${String(body['remaining'])}`);
  expectThat(body['remaining'] === 4, 'the places of the declined and of the cancelled order to be free');
  const charged = orders.map(({ body: one }) => provider.actsFor(String(one['id'])));
  line(`the provider acted ${charged.join(', ')} times for the five: a call and its repetition are one`);
  expectThat(charged.join() === '1,0,1,1,2', 'the provider to charge once, and to refund once');
}

export async function approval({ alice, bob }: Stage): Promise<void> {
  heading('An approval by two of two');
  const path = pathOf(
    'approvals',
    await alice.post('/v1/approvals', { title: 'Buy a new press', approvers: ['alice', 'bob'], quorum: 2 }),
  );
  await alice.post(`${path}/submit`);
  await alice.post(`${path}/approve`);
  await alice.post(`${path}/approve`, undefined, { expected: 409 });
  await bob.post(`${path}/approve`);
  tellMessages(await messagesOnce(alice, path, ['done']));
}

export async function points({ alice }: Stage): Promise<void> {
  heading('Points: twenty spend at once what is there for ten, and a transfer');
  const mine = pathOf('point-accounts', await alice.post('/v1/point-accounts', { owner: 'alice' }));
  const yours = await alice.post('/v1/point-accounts', { owner: 'bob' });
  await alice.post(`${mine}/earn`, { amount: 10, reason: 'Welcome' });
  const spends = await Promise.all(
    Array.from({ length: 20 }, () => alice.quietly(`${mine}/spend`, { amount: 1, reason: 'Coffee' })),
  );
  const spent = spends.filter(({ status }) => status === 200).length;
  line(`20 spends at once: ${spent} went through, ${20 - spent} insufficient_balance`);
  expectThat(spent === 10, 'exactly ten spends to go through');
  await alice.post(`${mine}/earn`, { amount: 7, reason: 'Thanks' });
  await alice.post(`${mine}/transfer`, { to: yours.body['id'], amount: 7 });
  await alice.post(`${mine}/close`);
}

export async function invite({ alice, mailFolder }: Stage): Promise<void> {
  heading('An invite whose code only the mail carries');
  const address = 'Carol@example.com';
  const created = await alice.post('/v1/invites', { workspace: 'press', email: address, role: 'editor' });
  const again = { workspace: 'press', email: address.toLowerCase(), role: 'editor' };
  await alice.post('/v1/invites', again, { expected: 409 });
  const path = pathOf('invites', created);
  tellMessages(await messagesOnce(alice, path, ['done']));
  await alice.post(`${path}/accept`, { code: 'a-guess' }, { expected: 409 });
  await alice.post(`${path}/accept`, { code: await codeFromMail(mailFolder, address) });
}

async function codeFromMail(folder: string, address: string): Promise<string> {
  for (const name of await readdir(folder)) {
    const mail = await simpleParser(await readFile(path.join(folder, name)));
    const to = Array.isArray(mail.to) ? mail.to : [mail.to];
    const code = /with this code: (\S+)/.exec(mail.text ?? '')?.[1];
    if (code !== undefined && to.some((one) => one?.text.toLowerCase() === address.toLowerCase())) {
      line(`the mail to ${address} carries the code`);
      return code;
    }
  }
  throw new Error(`the demo expected a mail to ${address}`);
}

export async function article({ alice }: Stage): Promise<void> {
  heading('An article, its slug, and its summary');
  const draft = { slug: 'commit-once', title: 'Commit once', body: 'The same request arrives many times.' };
  const path = pathOf('articles', await alice.post('/v1/articles', draft));
  await alice.post('/v1/articles', draft, { expected: 409 });
  await alice.post(`${path}/publish`);
  const messages: readonly Message[] = await messagesOnce(alice, path, ['done']);
  tellMessages(messages);
  line(`summary: ${JSON.stringify(messages[0]?.result)}`);
}

export async function audit({ alice }: Stage): Promise<void> {
  heading('The audit reads everything back');
  let cursor: string | undefined;
  let entries = 0;
  do {
    const { body } = await alice.get(
      `/v1/audit${cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`}`,
    );
    expectThat(body['ok'] === true, `an audit without problems, not ${JSON.stringify(body['problems'])}`);
    entries += Number(body['checkedEntries']);
    cursor = body['nextCursor'] as string | undefined;
  } while (cursor !== undefined);
  line(`${entries} ledger entries checked, no problem found`);
}
