/* oxlint-disable typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unused-expressions
   -- what is wrong has no type, and is only looked at */
/**
 * What the compiler finds wrong in calls of the client. It is not run: `npm run check` fails where one of the marked lines
 * is no error any more.
 */
import { createClient } from '../../functions/client/client.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';
import { approvals } from '../../functions/domains/approvals.ts';
import { payments } from '../../functions/domains/payments.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';
import { reservations } from '../../functions/domains/reservations.ts';
import { settlements } from '../../functions/domains/settlements.ts';

const tags = defineDomain({
  collection: 'tags',
  type: 'tag',
  idPrefix: 'tag',
  summary: 'A tag.',
  states: ['on'],
  attributes: { name: text('T1') },
  create: { summary: 'Sew it on', internal: true, input: { name: text('T1') } },
  transitions: {},
});

const client = createClient({
  baseUrl: 'http://localhost:3000',
  token: 'a token',
  domains: { payments, pointAccounts, reservations, settlements, approvals, tags },
});

const payment = { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' };

/** All of it right, so that each error below is the one that it says. */
export async function right(): Promise<string> {
  const result = await client.payments.create(payment);
  if (result.kind !== 'done') return result.code;
  const { id, status, amount, providerReference } = result.entity;
  const state: 'pending' | 'confirmed' | 'declined' | 'settled' | 'cancelled' | 'refunded' = status;
  const known: string | undefined = providerReference;
  await client.payments.confirm(id);
  // With `If-Match`, since it holds the entity.
  await client.payments.refund(result.entity, { amount: amount - 1 }, { idempotencyKey: 'mine' });
  await client.reservations.create({ showingId: 'shw_1', customer: 'ada' });
  const points = await client.pointAccounts.get('pts_1');
  const balance: number = points?.balance ?? 0;
  for await (const one of client.payments.list({ status: 'confirmed', limit: 100 })) {
    const next: readonly ('confirm' | 'refund' | 'cancel')[] = one.allowedTransitions;
    if (next.length === 0) break;
  }
  for await (const { payer } of client.payments.list({ payer: 'ada', status: 'confirmed' })) return payer;
  return `${state} ${known} ${balance}`;
}

/** Who can wait for longer says so. */
export const patient = createClient({
  baseUrl: 'http://localhost:3000',
  token: () => Promise.resolve('a token'),
  domains: { payments },
  patience: { totalMs: 600_000, attemptsMax: 100 },
});

/** As the README shows it. */
export async function shown(payment: { id: string; version: number }): Promise<number | string | undefined> {
  const [baseUrl, token] = ['http://localhost:3000', 'a token'];
  const client = createClient({ baseUrl, token, domains: { payments } }); // functions/client/client.ts
  const result = await client.payments.refund(payment, { amount: 250 });
  if (result.kind === 'done') return result.entity.refundedAmount;
  if (result.kind === 'refused' && result.code === 'refund_exceeds_payment') return 'too much';
  return undefined;
}

/** Every refusal has an answer. */
export async function complete(id: string): Promise<string> {
  const result = await client.pointAccounts.spend(id, { amount: 5, reason: 'A coffee' });
  switch (result.kind) {
    case 'done':
      return String(result.entity.balance);
    case 'failed':
      return `try again with ${result.idempotencyKey}`;
    case 'refused':
      switch (result.code) {
        case 'insufficient_balance':
          return 'too little';
        case 'account_closed':
          return 'too late';
        case 'not_found':
        case 'transition_not_allowed':
        case 'version_mismatch':
        case 'locked':
        case 'lock_lost':
        case 'other_refusal':
          return 'look again';
        default:
          return result satisfies never;
      }
    default:
      return result satisfies never;
  }
}

/** The codes that a definition tells: of rules, rights, roles, other entities, floors and unique values. */
export async function codes(id: string): Promise<boolean> {
  const [approved, settled, paidOut, held, passedOn] = await Promise.all([
    client.approvals.approve(id),
    client.settlements.confirm(id),
    client.settlements.pay(id),
    client.reservations.create({ showingId: id, customer: 'ada' }),
    client.pointAccounts.transfer(id, { to: id, amount: 1 }),
  ]);
  return (
    (approved.kind === 'refused' && approved.code === 'already_voted') ||
    (approved.kind === 'refused' && approved.code === 'not_an_approver') ||
    (settled.kind === 'refused' && settled.code === 'payment_not_settleable') ||
    (paidOut.kind === 'refused' && paidOut.code === 'role_missing') ||
    (held.kind === 'refused' && held.code === 'sold_out') ||
    (held.kind === 'refused' && held.code === 'showing_closed') ||
    (held.kind === 'refused' && held.code === 'already_exists') ||
    (passedOn.kind === 'refused' && passedOn.code === 'account_closed') ||
    (passedOn.kind === 'refused' && passedOn.code === 'unprocessable')
  );
}

/** What a state always has is there once its status is known. */
export async function byState(id: string): Promise<number> {
  const settlement = await client.settlements.get(id);
  if (settlement?.status === 'paid' || settlement?.status === 'confirmed') return settlement.total;
  // @ts-expect-error -- a draft may have none
  const total: number = settlement?.status === 'draft' ? settlement.total : 0;
  return total;
}

export async function wrong(id: string): Promise<void> {
  // @ts-expect-error -- a field that there is not
  await client.payments.create({ ...payment, refundable: true });
  // @ts-expect-error -- a field that is missing
  await client.payments.create({ payer: 'ada', payee: 'shop', amount: 1 });
  // @ts-expect-error -- a number as text
  await client.payments.refund(id, { amount: '5' });
  // @ts-expect-error -- an input that is missing
  await client.payments.refund(id);
  // @ts-expect-error -- a transition without an input
  await client.payments.confirm(id, { refundable: true });
  // @ts-expect-error -- a transition that there is not
  await client.payments.approve(id);
  // @ts-expect-error -- a creation without a route
  await client.tags.create({ name: 'T1' });
  // @ts-expect-error -- one without a route
  await client.payments.settle(id);
  // @ts-expect-error -- a collection that was not named
  await client.orders.cancel(id);
  // @ts-expect-error -- a state that there is not
  client.payments.list({ status: 'paid' });
  // @ts-expect-error -- an attribute by which there is no list
  client.payments.list({ payee: 'shop' });
  // @ts-expect-error -- a definition that has no list by an attribute
  client.approvals.list({ title: 'Press' });
  const result = await client.payments.confirm(id);
  // @ts-expect-error -- whether it was done has to be asked first
  result.entity.status;
  if (result.kind === 'done') {
    // @ts-expect-error -- what is hidden
    result.entity.captured;
  }
  // @ts-expect-error -- a refusal that it does not give
  if (result.kind === 'refused' && result.code === 'sold_out') return;
  // @ts-expect-error -- refusals that are not handled
  if (result.kind === 'refused' && result.code !== 'locked') result satisfies never;
}
