/**
 * One case for every command and query, written as a user's own file of requests is (`--requests file.json`). Texts
 * and numbers have fixed lengths: units follow from sizes. `test/integration/cost.integration.test.ts` asserts that
 * no route is missing. A collection that nobody wrote cases for has those that its definition's examples make.
 */
import type { Registry } from '../../../functions/core/registry.ts';
import { registerDomains } from '../../../functions/core/registry.ts';
import { domains } from '../../../functions/application.ts';
import { commonCases, exampleCases } from './example-cases.ts';
import type { RequestCase, Step } from './request-case.ts';

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };
const pay: Step = { as: 'it', request: 'POST /v1/payments', body: payment };
const payConfirmed = [pay, { request: 'POST /v1/payments/{it}/confirm' }];
const seats = (count: number): string[] => Array.from({ length: count }, (_, index) => `S${100 + index}`);
const show: Step = {
  as: 'showing',
  request: 'POST /v1/showings',
  body: { title: 'Evening show', capacity: 50 },
};
const hold: Step = {
  as: 'it',
  request: 'POST /v1/reservations',
  body: { showingId: '{showing}', customer: 'ada' },
};
const numbered = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);
const paidPayments = (count: number): Step[] =>
  numbered(count, 'payment').flatMap((as) => [
    { ...pay, as },
    { request: `POST /v1/payments/{${as}}/confirm` },
  ]);
const settle = (count: number): Step => ({
  as: 'it',
  request: 'POST /v1/settlements',
  body: {
    payee: 'bookshop',
    currency: 'EUR',
    paymentIds: numbered(count, 'payment').map((name) => `{${name}}`),
  },
});
const propose = (approvers: readonly string[]): Step => ({
  as: 'it',
  request: 'POST /v1/approvals',
  body: { title: 'Buy a new press', approvers, quorum: 1 },
});
const submitted = [propose(['alice', 'carol']), { request: 'POST /v1/approvals/{it}/submit' }];
const open: Step = { as: 'it', request: 'POST /v1/point-accounts', body: { owner: 'ada' } };
const earn: Step = {
  request: 'POST /v1/point-accounts/{it}/earn',
  body: { amount: 100, reason: 'Welcome' },
};
const invite: Step = {
  as: 'it',
  request: 'POST /v1/invites',
  body: { workspace: 'press', email: '{unique}@example.com', role: 'editor' },
};
const write: Step = {
  as: 'it',
  request: 'POST /v1/articles',
  body: { slug: '{unique}', title: 'Hello, world', body: 'It works.\nEvery time.' },
};

const command = (
  request: string,
  before: readonly Step[] = [],
  more: { readonly variant?: string; readonly shared?: readonly Step[] } & Partial<Step> = {},
): RequestCase => {
  const { variant, shared, ...step } = more;
  const name = request.replace('{it}', '{id}');
  return {
    name: variant === undefined ? name : `${name} (${variant})`,
    ...(shared && { shared }),
    before,
    request: { request, ...step },
  };
};

const create = (
  step: Step,
  before: readonly Step[] = [],
  more: { variant?: string; shared?: readonly Step[] } = {},
) => command(step.request, before, { ...more, body: step.body });

/** Written for what is special about them: the variants that differ in cost. */
const writtenCases: readonly RequestCase[] = [
  create(pay),
  command('POST /v1/payments/{it}/confirm', [pay]),
  command('POST /v1/payments/{it}/cancel', [pay]),
  command('POST /v1/payments/{it}/refund', payConfirmed, { body: { amount: 250 }, variant: 'a part' }),
  command('POST /v1/payments/{it}/refund', payConfirmed, { body: { amount: 1_250 }, variant: 'the rest' }),
  ...commonCases('payments', 'pending', [pay]),

  create(show),
  create({ ...show, body: { title: 'Evening show', capacity: 500, seats: seats(500) } }, [], {
    variant: 'with 500 seats',
  }),
  command('POST /v1/showings/{it}/close', [{ ...show, as: 'it' }]),
  ...commonCases('showings', 'open', [{ ...show, as: 'it' }]),

  create(hold, [], { shared: [show] }),
  create(
    { ...hold, body: { showingId: '{showing}', customer: 'ada', seat: 'S100' } },
    [{ ...show, body: { title: 'Evening show', capacity: 50, seats: seats(50) } }],
    { variant: 'with a seat of 50' },
  ),
  create(
    { ...hold, body: { showingId: '{showing}', customer: 'ada', seat: 'S100' } },
    [{ ...show, body: { title: 'Evening show', capacity: 500, seats: seats(500) } }],
    { variant: 'with a seat of 500' },
  ),
  command('POST /v1/reservations/{it}/confirm', [hold], { shared: [show] }),
  command('POST /v1/reservations/{it}/cancel', [hold], { shared: [show] }),
  ...commonCases('reservations', 'held', [hold], [show]),

  create(settle(3), paidPayments(3), { variant: 'of 3 payments' }),
  command('POST /v1/settlements/{it}/confirm', [...paidPayments(3), settle(3)], { variant: 'of 3 payments' }),
  command('POST /v1/settlements/{it}/confirm', [...paidPayments(20), settle(20)], {
    variant: 'of 20 payments',
  }),
  command('POST /v1/settlements/{it}/pay', [
    ...paidPayments(3),
    settle(3),
    { request: 'POST /v1/settlements/{it}/confirm' },
  ]),
  command('POST /v1/settlements/{it}/cancel', [...paidPayments(1), settle(1)]),
  ...commonCases('settlements', 'draft', [...paidPayments(1), settle(1)]),

  create(propose(['alice', 'carol'])),
  command('POST /v1/approvals/{it}/submit', [propose(['alice', 'carol'])], { variant: '2 approvers' }),
  command('POST /v1/approvals/{it}/submit', [propose(numbered(10, 'approver'))], { variant: '10 approvers' }),
  command('POST /v1/approvals/{it}/approve', submitted),
  command('POST /v1/approvals/{it}/reject', submitted),
  command('POST /v1/approvals/{it}/withdraw', submitted),
  ...commonCases('approvals', 'draft', [propose(['alice', 'carol'])]),

  create(open),
  command('POST /v1/point-accounts/{it}/earn', [open], { body: { amount: 100, reason: 'Welcome' } }),
  command('POST /v1/point-accounts/{it}/spend', [open, earn], { body: { amount: 10, reason: 'A coffee' } }),
  command('POST /v1/point-accounts/{it}/transfer', [open, earn, { ...open, as: 'other' }], {
    body: { to: '{other}', amount: 10 },
  }),
  command('POST /v1/point-accounts/{it}/close', [open]),
  ...commonCases('point-accounts', 'active', [open]),

  create(invite),
  command('POST /v1/invites/{it}/accept', [invite], { body: { code: '{it.secret}' } }),
  command('POST /v1/invites/{it}/revoke', [invite]),
  ...commonCases('invites', 'pending', [invite]),

  create(write),
  command('POST /v1/articles/{it}/publish', [write]),
  command('POST /v1/articles/{it}/archive', [write, { request: 'POST /v1/articles/{it}/publish' }]),
  ...commonCases('articles', 'draft', [write]),
];

const operations: readonly RequestCase[] = [
  {
    name: 'GET /v1/balances/{account} (named)',
    shared: payConfirmed,
    request: { request: 'GET /v1/balances/holding:bookshop:EUR' },
  },
  {
    name: 'GET /v1/balances/{account} (of an entity)',
    before: [open],
    request: { request: 'GET /v1/balances/{it}:balance' },
  },
  { name: 'GET /v1/messages', request: { request: 'GET /v1/messages' } },
  { name: 'GET /v1/messages (dead)', request: { request: 'GET /v1/messages?status=dead' } },
];

/** The cases of these definitions. */
export function casesOf(registry: Registry): readonly RequestCase[] {
  const isWritten = (collection: string): boolean =>
    writtenCases.some(({ name }) => name === `GET /v1/${collection}`);
  return [
    ...writtenCases,
    ...registry.domains
      .filter(({ collection }) => !isWritten(collection))
      .flatMap((domain) => exampleCases(registry, domain)),
    ...operations,
  ];
}

export const cases: readonly RequestCase[] = casesOf(registerDomains(domains));

/** Routes without a case, and why. */
export const routesWithoutCase: ReadonlyMap<string, string> = new Map([
  ['GET /v1/audit', 'reads a bounded part of all data by design; its cost is that part'],
  ['POST /v1/messages/redrive', 'costs what its messages cost one by one, and a query'],
]);
