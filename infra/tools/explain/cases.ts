/**
 * One case for every command and query, written as a user's own file of requests is (`--requests file.json`). Texts
 * and numbers have fixed lengths: units follow from sizes. `test/integration/cost.integration.test.ts` asserts that
 * no route is missing. A collection that nobody wrote cases for has those that its definition's examples make.
 */
import { routesOf } from '../../../functions/api/routes.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { publicTransitions, registerDomains } from '../../../functions/core/registry.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import { exampleOf } from '../../../functions/docs/example-order.ts';
import { outcomeOf } from '../../../functions/docs/example-world.ts';
import type { ExampleCommand } from '../../../functions/docs/example-world.ts';
import { domains } from '../../../functions/application.ts';
import type { RequestCase, Step } from './request-case.ts';
import { standardNow } from './workbench.ts';

/** Creates an entity, to be called `it` by the steps after it. */
const create = (collection: string, body: object): Step => ({
  as: 'it',
  request: `POST /v1/${collection}`,
  body,
});
/** Moves the entity called `it`. */
export const move = (collection: string, transition: string, body?: object): Step => ({
  request: `POST /v1/${collection}/{it}/${transition}`,
  ...(body && { body }),
});
const numbered = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

export const pay = create('payments', { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' });
export const payConfirmed = [pay, move('payments', 'confirm')];
/** The provider has taken the money. */
export const payCaptured = [...payConfirmed, { request: 'ANSWER done {it} payment.capture' }];
const showing = (capacity: number, seats = false): Step => ({
  ...create('showings', {
    title: 'Evening show',
    capacity,
    ...(seats && { seats: Array.from({ length: capacity }, (_, seat) => `S${100 + seat}`) }),
  }),
  as: 'showing',
});
export const show = showing(50);
export const hold = create('reservations', { showingId: '{showing}', customer: 'ada' });
const holdSeat = create('reservations', { showingId: '{showing}', customer: 'ada', seat: 'S100' });
/** A showing that all runs hold places of. */
const sharedShow = { ...show, once: true };
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
export const settlement = (count: number): Step[] => [...payments(count), settle(count)];
export const propose = (approvers: readonly string[] = ['alice', 'carol']): Step =>
  create('approvals', { title: 'Buy a new press', approvers, quorum: 1 });
const submitted = [propose(), move('approvals', 'submit')];
export const open = create('point-accounts', { owner: 'ada' });
export const earn = move('point-accounts', 'earn', { amount: 100, reason: 'Welcome' });
export const invite = create('invites', {
  workspace: 'press',
  email: '{unique}@example.com',
  role: 'editor',
});
export const write = create('articles', {
  slug: '{unique}',
  title: 'Hello, world',
  body: 'It works.\nEvery time.',
});

/** The case of a step, named after its route. */
function caseOf(request: Step, before: readonly Step[] = [], variant?: string): RequestCase {
  const route = request.request.replace('{it}', '{id}');
  return { name: variant === undefined ? route : `${route} (${variant})`, before, request };
}

/** What exists for every collection alike; `make` leaves an entity as `it`. */
function commonCases(collection: string, status: string, make: readonly Step[]): readonly RequestCase[] {
  const list = `GET /v1/${collection}`;
  const take: Step = { ...move(collection, 'lock', { ttlSeconds: 30, wait: 'nowait' }), as: 'lock' };
  const giveBack: Step = { ...move(collection, 'unlock'), headers: { 'lock-token': '{lock.token}' } };
  return [
    { name: list, request: { request: list } },
    { name: `${list} (by status)`, request: { request: `${list}?status=${status}` } },
    caseOf({ request: `${list}/{it}` }, make),
    caseOf({ request: `${list}/{it}/ledger` }, make),
    caseOf({ request: `${list}/{it}/messages` }, make),
    caseOf(take, make),
    caseOf(giveBack, [...make, take]),
  ];
}

/** Written for what is special about them: the variants that differ in cost. */
const writtenCases: readonly RequestCase[] = [
  caseOf(pay),
  caseOf(move('payments', 'confirm'), [pay]),
  caseOf(move('payments', 'cancel'), [pay]),
  caseOf(move('payments', 'refund', { amount: 250 }), payCaptured, 'a part'),
  caseOf(move('payments', 'refund', { amount: 1_250 }), payCaptured, 'the rest'),
  ...commonCases('payments', 'pending', [pay]),

  caseOf(show),
  caseOf(showing(500, true), [], 'with 500 seats'),
  caseOf(move('showings', 'close'), [{ ...show, as: 'it' }]),
  ...commonCases('showings', 'open', [{ ...show, as: 'it' }]),

  caseOf(hold, [sharedShow]),
  caseOf(holdSeat, [showing(50, true)], 'with a seat of 50'),
  caseOf(holdSeat, [showing(500, true)], 'with a seat of 500'),
  caseOf(move('reservations', 'confirm'), [sharedShow, hold]),
  caseOf(move('reservations', 'cancel'), [sharedShow, hold]),
  ...commonCases('reservations', 'held', [sharedShow, hold]),

  caseOf(settle(3), payments(3), 'of 3 payments'),
  caseOf(move('settlements', 'confirm'), settlement(3), 'of 3 payments'),
  caseOf(move('settlements', 'confirm'), settlement(20), 'of 20 payments'),
  caseOf(move('settlements', 'pay'), [...settlement(3), move('settlements', 'confirm')]),
  caseOf(move('settlements', 'cancel'), settlement(1)),
  ...commonCases('settlements', 'draft', settlement(1)),

  caseOf(propose()),
  caseOf(move('approvals', 'submit'), [propose()], '2 approvers'),
  caseOf(move('approvals', 'submit'), [propose(numbered(10, 'approver'))], '10 approvers'),
  caseOf(move('approvals', 'approve'), submitted),
  caseOf(move('approvals', 'reject'), submitted),
  caseOf(move('approvals', 'withdraw'), submitted),
  ...commonCases('approvals', 'draft', [propose()]),

  caseOf(open),
  caseOf(earn, [open]),
  caseOf(move('point-accounts', 'spend', { amount: 10, reason: 'A coffee' }), [open, earn]),
  caseOf(move('point-accounts', 'transfer', { to: '{other}', amount: 10 }), [
    open,
    earn,
    { ...open, as: 'other' },
  ]),
  caseOf(move('point-accounts', 'close'), [open]),
  ...commonCases('point-accounts', 'active', [open]),

  caseOf(invite),
  caseOf(move('invites', 'accept', { code: '{it.secret}' }), [invite]),
  caseOf(move('invites', 'revoke'), [invite]),
  ...commonCases('invites', 'pending', [invite]),

  caseOf(write),
  caseOf(move('articles', 'publish'), [write]),
  caseOf(move('articles', 'archive'), [write, move('articles', 'publish')]),
  ...commonCases('articles', 'draft', [write]),
];

const operations: readonly RequestCase[] = [
  {
    name: 'GET /v1/balances/{account} (named)',
    before: payConfirmed,
    request: { request: 'GET /v1/balances/holding:bookshop:EUR' },
  },
  {
    name: 'GET /v1/balances/{account} (of an entity)',
    before: [open],
    request: { request: 'GET /v1/balances/{it}:balance' },
  },
  {
    name: 'GET /v1/balances/{account}/entries',
    before: payConfirmed,
    request: { request: 'GET /v1/balances/holding:bookshop:EUR/entries' },
  },
  { name: 'GET /v1/messages', request: { request: 'GET /v1/messages' } },
  { name: 'GET /v1/messages (dead)', request: { request: 'GET /v1/messages?status=dead' } },
];

export const publicCommands = (domain: Domain): readonly string[] => ['create', ...publicTransitions(domain)];

const isWritten = ({ collection }: Domain): boolean =>
  writtenCases.some(({ name }) => name === `GET /v1/${collection}`);

/** The cases of these definitions. */
export function casesOf(registry: Registry): readonly RequestCase[] {
  const others = registry.domains.filter((domain) => !isWritten(domain));
  return [...writtenCases, ...others.flatMap((domain) => exampleCases(registry, domain)), ...operations];
}

/** Whether a case is of this route: plain, or with something special about it. */
export const isOf = ({ name }: { readonly name: string }, route: string): boolean =>
  name === route || name.startsWith(`${route} (`);

/** Routes of commands to which no row of examples leads: each needs a case that is written. */
export function routesNotLedTo(registry: Registry): readonly string[] {
  const all = casesOf(registry);
  return routesOf(registry)
    .filter(({ operation: { is } }) => is === 'create' || is === 'transition')
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !all.some((one) => isOf(one, route)));
}

const registered = registerDomains(domains);
export const cases: readonly RequestCase[] = casesOf(registered);
/** The same of the application. */
export const routesToBeWritten: readonly string[] = routesNotLedTo(registered);

/**
 * The commands of a definition with the examples that its documentation shows, each after the examples that lead
 * there, and its queries. One to which no examples lead has no case.
 */
function exampleCases(registry: Registry, domain: Domain): readonly RequestCase[] {
  const commands = publicCommands(domain).flatMap((name) => {
    const { after, ...example } = exampleOf(registry, domain, name, standardNow);
    const before = after?.map((command) => exampleStep(command, example));
    return before ? [caseOf(exampleStep(example, example), before)] : [];
  });
  const creation = commands.find(({ name }) => name === `POST /v1/${domain.collection}`);
  if (!creation) return [];
  const make = [...(creation.before ?? []), creation.request];
  return [...commands, ...commonCases(domain.collection, domain.initial, make)].map((one) =>
    // Examples take the same unique values each time. A list is read where the store was seeded.
    one.before ? { ...one, isApart: true } : one,
  );
}

/** A command with placeholders for the ids of the examples, and for the secret that only a message tells. */
export function exampleStep(
  { domain, name, id, body = {}, actor, answers, dueAt }: ExampleCommand,
  subject: ExampleCommand,
): Step {
  const nameOf = (exampleId: string): string => (exampleId === subject.id ? 'it' : exampleId);
  if (answers) {
    return { request: `ANSWER ${outcomeOf(answers, name)} {${nameOf(id)}} ${answers.type}` };
  }
  if (dueAt !== undefined) return { request: `DEADLINE ${name} {${nameOf(id)}}` };
  const input = name === 'create' ? domain.create.input : domain.transitions[name]?.input;
  const secrets = Object.fromEntries(
    [...(input ? secretFields(input) : [])].map((field) => [field, `{${nameOf(id)}.secret}`]),
  );
  const text = idsIn(body).reduce(
    (json, exampleId) => json.replaceAll(exampleId, `{${nameOf(exampleId)}}`),
    JSON.stringify({ ...body, ...secrets }),
  );
  const isCreation = name === 'create';
  return {
    ...(isCreation && { as: nameOf(id) }),
    request: `POST /v1/${domain.collection}${isCreation ? '' : `/{${nameOf(id)}}/${name}`}`,
    ...(input && { body: JSON.parse(text) as unknown }),
    ...(actor !== undefined && { subject: actor }),
  };
}
