/**
 * One case for every command, query and job. Those of a definition follow from its examples; what is written here is
 * special about its cost, and stands in the place of the example. Texts and numbers have fixed lengths: units follow from
 * sizes. `test/integration/cost.integration.test.ts` asserts that no route is missing.
 */
import { domains } from '../../../functions/application.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { publicCommands, registerDomains } from '../../../functions/core/registry.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { answerCases, commandCase, commandRoute, commonCases } from './example-cases.ts';
import { jobNames, routeOf } from './request-case.ts';
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

const show = (capacity: number): Step => create('showings', { title: 'Evening show', capacity });
const seated = (capacity: number): Step => {
  const seats = Array.from({ length: capacity }, (_, seat) => `S${100 + seat}`);
  return create('showings', { title: 'Evening show', capacity, seats });
};
const showing = (of: Step): Step => ({ ...of, as: 'showing' });
/** A showing that all runs hold places of. */
const sharedShow = { ...showing(show(50)), once: true };
const place = { showingId: '{showing}', customer: 'ada' };
const hold = create('reservations', place);
const held = [sharedShow, hold];
const heldApart = [showing(show(50)), hold];

/** Commands whose cost depends on more than their examples show. */
const writtenCases: readonly Case[] = [
  { name: 'POST /v1/payments/{id}/refund (a part)', body: { amount: 250 }, before: payCaptured },
  { name: 'POST /v1/payments/{id}/refund (the rest)', body: { amount: 1_250 }, before: payCaptured },
  { ...show(50), name: 'POST /v1/showings' },
  { ...seated(500), name: 'POST /v1/showings (with 500 seats)' },
  { name: 'POST /v1/showings/{id}/close', before: [show(50)] },
  { ...hold, name: 'POST /v1/reservations', before: [sharedShow] },
  ...[50, 500].map((seats) => ({
    name: `POST /v1/reservations (with a seat of ${seats})`,
    body: { ...place, seat: 'S100' },
    before: [showing(seated(seats))],
  })),
  { name: 'POST /v1/reservations/{id}/confirm', before: held },
  { name: 'POST /v1/reservations/{id}/cancel', before: held },
  { ...settle(3), name: 'POST /v1/settlements (of 3 payments)', before: payments(3) },
  { name: 'POST /v1/settlements/{id}/confirm (of 3 payments)', before: settlement(3) },
  { name: 'POST /v1/settlements/{id}/confirm (of 20 payments)', before: settlement(20) },
  { name: 'POST /v1/approvals/{id}/submit (2 approvers)', before: [propose(['alice', 'carol'])] },
  { name: 'POST /v1/approvals/{id}/submit (10 approvers)', before: [propose(numbered(10, 'approver'))] },
];

const account = 'GET /v1/balances/holding:bookshop:EUR';
/** A message that nothing follows from: the receipt of a payment whose money was taken. */
const receipt = '{id} payment.receipt';
const operations: readonly Case[] = [
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
const jobs: readonly Case[] = [
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

/** The commands of a definition, then its queries. A command to which no examples lead has no case. */
function casesOfDomain(registry: Registry, domain: Domain): readonly Case[] {
  const commands = publicCommands(domain).flatMap((name) => {
    const written = writtenCases.filter((one) => routeOf(one) === commandRoute(domain, name));
    return written.length > 0 ? written : (commandCase(registry, domain, name) ?? []);
  });
  const creation = commands.find((one) => routeOf(one) === commandRoute(domain, 'create'));
  return creation ? [...commands, ...commonCases(domain, creation)] : commands;
}

/** The cases of these definitions. */
export const casesOf = (registry: Registry): readonly Case[] =>
  registry.domains.flatMap((domain) => casesOfDomain(registry, domain));

/** Routes of commands to which no row of examples leads: each needs a case that is written. */
export const routesNotLedTo = (registry: Registry, all = casesOf(registry)): readonly string[] =>
  registry.domains
    .flatMap((domain) => publicCommands(domain).map((name) => commandRoute(domain, name)))
    .filter((route) => !all.some((one) => routeOf(one) === route));

const registered = registerDomains(domains);
/** All of the application. */
export const cases: readonly Case[] = [
  ...casesOf(registered),
  ...operations,
  ...answerCases(registered),
  ...jobs,
];
export const routesToBeWritten: readonly string[] = routesNotLedTo(registered, cases);
