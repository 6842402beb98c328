/**
 * One case for every command, query and job. Those of a definition follow from its examples; what is written here is
 * special about its cost, and stands in the place of the example. Texts and numbers have fixed lengths: units follow from
 * sizes. `test/integration/cost.integration.test.ts` asserts that no route is missing.
 */
import { domains } from '../../../functions/application.ts';
import { routesOf } from '../../../functions/api/routes.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { registerDomains } from '../../../functions/core/registry.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { answerCases, commandCase, commandRoute, commonCases, publicCommands } from './example-cases.ts';
import { jobNames, routeOf } from './request-case.ts';
import type { Case, Step } from './request-case.ts';

/** Creates an entity, to be called `it` by the steps after it. */
const create = (collection: string, body: object): Step => ({
  as: 'it',
  request: `POST /v1/${collection}`,
  body,
});
/** Moves the entity called `it`. */
const move = (collection: string, transition: string, body?: object): Step => ({
  request: `POST /v1/${collection}/{it}/${transition}`,
  ...(body && { body }),
});
const numbered = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

const pay = create('payments', { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' });
const payConfirmed = [pay, move('payments', 'confirm')];
/** The provider has taken the money. */
const payCaptured = [...payConfirmed, { request: 'ANSWER done {it} payment.capture' }];
const showing = (capacity: number, seats = false): Step => ({
  ...create('showings', {
    title: 'Evening show',
    capacity,
    ...(seats && { seats: Array.from({ length: capacity }, (_, seat) => `S${100 + seat}`) }),
  }),
  as: 'showing',
});
/** A showing that all runs hold places of. */
const sharedShow = { ...showing(50), once: true };
const holding = { showingId: '{showing}', customer: 'ada' };
const hold = create('reservations', holding);
const holdSeat = create('reservations', { ...holding, seat: 'S100' });
const payments = (count: number): Step[] =>
  numbered(count, 'payment').flatMap((as) => [
    { ...pay, as },
    { request: `POST /v1/payments/{${as}}/confirm` },
    { request: `ANSWER done {${as}} payment.capture` },
  ]);
const settle = (count: number): Step =>
  create('settlements', {
    payee: 'bookshop',
    currency: 'EUR',
    paymentIds: numbered(count, 'payment').map((name) => `{${name}}`),
  });
const settlement = (count: number): Step[] => [...payments(count), settle(count)];
const propose = (approvers: readonly string[]): Step =>
  create('approvals', { title: 'Buy a new press', approvers, quorum: 1 });

/** The case of a step, named after its route. */
function caseOf(step: Step, before: readonly Step[] = [], variant?: string): Case {
  const route = step.request.replace('{it}', '{id}');
  return { ...step, name: variant === undefined ? route : `${route} (${variant})`, before };
}

/** Commands whose cost depends on more than their examples show. */
const writtenCases: readonly Case[] = [
  caseOf(move('payments', 'refund', { amount: 250 }), payCaptured, 'a part'),
  caseOf(move('payments', 'refund', { amount: 1_250 }), payCaptured, 'the rest'),
  caseOf(showing(50)),
  caseOf(showing(500, true), [], 'with 500 seats'),
  caseOf(move('showings', 'close'), [{ ...showing(50), as: 'it' }]),
  caseOf(hold, [sharedShow]),
  caseOf(holdSeat, [showing(50, true)], 'with a seat of 50'),
  caseOf(holdSeat, [showing(500, true)], 'with a seat of 500'),
  caseOf(move('reservations', 'confirm'), [sharedShow, hold]),
  caseOf(move('reservations', 'cancel'), [sharedShow, hold]),
  caseOf(settle(3), payments(3), 'of 3 payments'),
  caseOf(move('settlements', 'confirm'), settlement(3), 'of 3 payments'),
  caseOf(move('settlements', 'confirm'), settlement(20), 'of 20 payments'),
  caseOf(move('approvals', 'submit'), [propose(['alice', 'carol'])], '2 approvers'),
  caseOf(move('approvals', 'submit'), [propose(numbered(10, 'approver'))], '10 approvers'),
];

const account = 'GET /v1/balances/holding:bookshop:EUR';
const openAccount = create('point-accounts', { owner: 'ada' });
const operations: readonly Case[] = [
  { name: 'GET /v1/balances/{account} (named)', before: payConfirmed, request: account },
  {
    name: 'GET /v1/balances/{account} (of an entity)',
    before: [openAccount],
    request: 'GET /v1/balances/{it}:balance',
  },
  { name: 'GET /v1/balances/{account}/entries', before: payConfirmed, request: `${account}/entries` },
  { name: 'GET /v1/messages', request: 'GET /v1/messages' },
  { name: 'GET /v1/messages (dead)', request: 'GET /v1/messages?status=dead' },
];

/** A message that nothing follows from: the receipt of a payment whose money was taken. */
const receipt = '{it} payment.receipt';
const deadReceipt = { request: `ANSWER undeliverable ${receipt}` };
/** No request writes the lines of a list: the stream does. */
const listedPayments = { request: 'LIST payments payer alice' };

const deliveries: readonly Case[] = [
  { name: jobNames.relay, before: payCaptured, request: `RELAY ${receipt}` },
  { name: jobNames.plainDelivery, before: payCaptured, request: `ANSWER done ${receipt}` },
];
const jobs: readonly Case[] = [
  { name: jobNames.timer, before: [showing(50), hold], request: 'DEADLINE expire {it}' },
  {
    name: 'timer: a hold that was confirmed',
    before: [showing(50), hold, move('reservations', 'confirm')],
    request: 'DEADLINE expire {it}',
  },
  {
    name: 'POST /v1/messages/{id}/redrive',
    before: [...payCaptured, deadReceipt],
    request: 'POST /v1/messages/msg_{it}_3_0/redrive',
  },
  {
    name: 'GET /v1/payments (by payer)',
    before: [pay, listedPayments],
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
  routesOf(registry)
    .filter(({ operation: { is } }) => is === 'create' || is === 'transition')
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !all.some((one) => routeOf(one) === route));

const registered = registerDomains(domains);
/** All of the application. */
export const cases: readonly Case[] = [
  ...casesOf(registered),
  ...operations,
  ...deliveries,
  ...answerCases(registered),
  ...jobs,
];
export const routesToBeWritten: readonly string[] = routesNotLedTo(registered, cases);
