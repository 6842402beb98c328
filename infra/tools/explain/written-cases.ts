/**
 * Cases of what costs more or less than the examples of a definition show, each in the place of its command's example,
 * and of what no definition has. Texts and numbers have fixed lengths: units follow from sizes.
 */
import { jobNames } from './request-case.ts';
import type { Case, Step, WrittenStep } from './request-case.ts';

const create = (collection: string, body: object): Step => ({ request: `POST /v1/${collection}`, body });
const numbered = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

const pay = create('payments', { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' });
const payConfirmed = [pay, 'POST /v1/payments/{id}/confirm'];
/** The provider has taken the money. */
const payCaptured = [...payConfirmed, 'ANSWER done {id} payment.capture'];
const payments = (count: number): WrittenStep[] =>
  numbered(count, 'payment').flatMap((as) => [
    { ...pay, as },
    `POST /v1/payments/{${as}}/confirm`,
    `ANSWER done {${as}} payment.capture`,
  ]);
const settle = (count: number): Step => {
  const paymentIds = numbered(count, 'payment').map((name) => `{${name}}`);
  return create('settlements', { payee: 'bookshop', currency: 'EUR', paymentIds });
};
const settlement = (count: number): WrittenStep[] => [...payments(count), settle(count)];
const propose = (approvers: readonly string[]): Step =>
  create('approvals', { title: 'Buy a new press', approvers, quorum: 1 });

const show = create('showings', { title: 'Evening show', capacity: 50 });
const seated = (capacity: number): Step => {
  const seats = Array.from({ length: capacity }, (_, seat) => `S${100 + seat}`);
  return create('showings', { title: 'Evening show', capacity, seats });
};
/** A showing that all runs hold places of. */
const sharedShow = { ...show, as: 'showing', once: true };
const place = { showingId: '{showing}', customer: 'ada' };
const hold = create('reservations', place);
const heldApart = [{ ...show, as: 'showing' }, hold];

/** Commands whose cost depends on more than their examples show. */
export const writtenCommands: readonly Case[] = [
  { name: 'POST /v1/payments/{id}/refund (a part)', body: { amount: 250 }, before: payCaptured },
  { name: 'POST /v1/payments/{id}/refund (the rest)', body: { amount: 1_250 }, before: payCaptured },
  { ...show, name: 'POST /v1/showings' },
  { ...seated(500), name: 'POST /v1/showings (with 500 seats)' },
  { name: 'POST /v1/showings/{id}/close', before: [show] },
  { ...hold, name: 'POST /v1/reservations', before: [sharedShow] },
  ...[50, 500].map((seats) => ({
    name: `POST /v1/reservations (with a seat of ${seats})`,
    body: { ...place, seat: 'S100' },
    before: [{ ...seated(seats), as: 'showing' }],
  })),
  { name: 'POST /v1/reservations/{id}/confirm', before: [sharedShow, hold] },
  { name: 'POST /v1/reservations/{id}/cancel', before: [sharedShow, hold] },
  { ...settle(3), name: 'POST /v1/settlements (of 3 payments)', before: payments(3) },
  { name: 'POST /v1/settlements/{id}/confirm (of 3 payments)', before: settlement(3) },
  { name: 'POST /v1/settlements/{id}/confirm (of 20 payments)', before: settlement(20) },
  { name: 'POST /v1/approvals/{id}/submit (2 approvers)', before: [propose(['alice', 'carol'])] },
  { name: 'POST /v1/approvals/{id}/submit (10 approvers)', before: [propose(numbered(10, 'approver'))] },
];

const account = 'GET /v1/balances/holding:bookshop:EUR';
/** A message that nothing follows from: the receipt of a payment whose money was taken. */
const receipt = '{id} payment.receipt';
export const operations: readonly Case[] = [
  { name: 'GET /v1/balances/{account} (named)', before: payConfirmed, request: account },
  {
    name: 'GET /v1/balances/{account} (of an entity)',
    before: [create('point-accounts', { owner: 'ada' })],
    request: 'GET /v1/balances/{id}:balance',
  },
  { name: 'GET /v1/balances/{account}/entries', before: payConfirmed, request: `${account}/entries` },
  { name: 'GET /v1/messages' },
  { name: 'GET /v1/messages (dead)', request: 'GET /v1/messages?status=dead' },
  { name: jobNames.relay, before: payCaptured, request: `RELAY ${receipt}` },
  { name: jobNames.plainDelivery, before: payCaptured, request: `ANSWER done ${receipt}` },
];
export const jobs: readonly Case[] = [
  { name: jobNames.timer, before: heldApart, request: 'DEADLINE expire {id}' },
  {
    name: 'timer: a hold that was confirmed',
    before: [...heldApart, 'POST /v1/reservations/{id}/confirm'],
    request: 'DEADLINE expire {id}',
  },
  {
    name: 'POST /v1/messages/{id}/redrive',
    before: [...payCaptured, `ANSWER undeliverable ${receipt}`],
    request: 'POST /v1/messages/msg_{id}_3_0/redrive',
  },
  {
    name: 'GET /v1/payments (by payer)',
    // No request writes the lines of a list: the stream does.
    before: [pay, 'LIST payments payer alice'],
    request: 'GET /v1/payments?payer=alice',
  },
  { name: 'sweeper: open messages', request: 'SWEEP messages' },
  { name: 'sweeper: due timers', request: 'SWEEP timers' },
];
