/** One of many callers of a random history: sends commands on few entities, repeats keys, takes locks. */
import { randomUUID } from 'node:crypto';
import type { Domain } from '../../../functions/core/definition.ts';
import { domains } from '../../../functions/domains/index.ts';
import type { Reply } from '../backend.ts';
import { exampleOf } from '../examples.ts';
import { layOut } from '../laid-out.ts';
import type { Lab, Process } from './lab.ts';
import { isFinal } from './observed.ts';
import type { Request } from './observed.ts';
import type { Random } from './random.ts';

/** Entities of one tenant that callers know of, and the keys that still wait for their answer. */
export interface Shared {
  readonly lab: Lab;
  readonly tenant: string;
  readonly ids: Map<string, string[]>;
  readonly tokens: Map<string, string>;
  readonly open: Map<string, Request>;
  /** A process to ask; one that died is replaced. */
  readonly process: (random: Random) => Promise<Process>;
}

type Keyed = Request & { readonly key: string };

export async function runCaller(shared: Shared, random: Random, steps: number): Promise<void> {
  const sent: Keyed[] = [];
  for (let step = 0; step < steps; step += 1) {
    const repeats = sent.length > 0 && random.chance(0.1);
    const request = repeats ? random.pick(sent) : nextRequest(shared, random);
    if (!request) continue;
    sent.push(request);
    // Impatient callers ask twice at once.
    const copies = random.chance(0.2) ? [request, request] : [request];
    const answers = copies.map((copy) => untilFinal(shared, random, copy, 3));
    await Promise.all([...answers, ...layOutSome(shared, random)]);
  }
}

/** Nobody meets others at an item of DynamoDB Local, so now and then a showing is spread without that. */
function layOutSome({ lab, tenant, ids }: Shared, random: Random): Promise<boolean>[] {
  const showings = ids.get('showings') ?? [];
  return showings.length > 0 && random.chance(0.2) ? [layOut(lab.clean, tenant, random.pick(showings))] : [];
}

/** Repeats a key until it has its answer. @returns `undefined` where it has none after so many tries */
export async function untilFinal(
  shared: Shared,
  random: Random,
  request: Keyed,
  tries: number,
): Promise<Reply | undefined> {
  for (let left = tries; left > 0; left -= 1) {
    shared.open.set(request.key, request);
    const reply = await shared.lab.send(await shared.process(random), request);
    if (!reply || reply.status >= 500) continue;
    shared.open.delete(request.key);
    learn(shared, request, reply);
    if (isFinal(reply) || random.chance(0.7)) return reply;
  }
  return undefined;
}

function learn({ ids, tokens }: Shared, { path }: Request, { status, json }: Reply): void {
  const [, , collection = '', id = '', command] = path.split('/');
  if (status === 201) ids.set(collection, [...(ids.get(collection) ?? []), String(json['id'])].slice(-4));
  if (status === 200 && command === 'lock') tokens.set(id, String(json['token']));
}

function nextRequest(shared: Shared, random: Random): Keyed | undefined {
  const { tenant, ids, tokens } = shared;
  const domain = random.pick(domains);
  const known = ids.get(domain.collection) ?? [];
  const subject = random.pick(['alice', 'bob']);
  const base = { method: 'POST', tenant, subject, key: randomUUID() } as const;
  if (known.length === 0 || (known.length < 4 && random.chance(0.3))) {
    const body = creation(shared, random, domain);
    return body && { ...base, path: `/v1/${domain.collection}`, body };
  }
  const id = random.pick(known);
  const path = `/v1/${domain.collection}/${id}`;
  const token = tokens.get(id);
  const headers = token !== undefined && random.chance(0.7) ? { 'lock-token': token } : undefined;
  if (random.chance(0.06)) {
    return { ...base, path: `${path}/lock`, body: { ttlSeconds: 1, wait: random.pick(['wait', 'nowait']) } };
  }
  if (token !== undefined && random.chance(0.1)) {
    return { ...base, path: `${path}/unlock`, headers: { 'lock-token': token } };
  }
  const names = Object.keys(domain.transitions).filter((name) => domain.transitions[name]?.internal !== true);
  const name = random.pick(names);
  const body = transition(shared, random, domain, name);
  return { ...base, path: `${path}/${name}`, ...(body && { body }), ...(headers && { headers }) };
}

/** Every text carries the tenant's name, so that one that leaks is seen. */
function creation(shared: Shared, random: Random, domain: Domain): object | undefined {
  const mark = `tenant:${shared.tenant}`;
  const some = (collection: string): readonly string[] => shared.ids.get(collection) ?? [];
  const example = exampleOf(domain.create.input, 'required fields');
  switch (domain.collection) {
    case 'payments':
      return { ...example, payer: mark, payee: 'shop', amount: 1 + random.below(500) };
    case 'showings':
      // One that may be spread over several items, and one that is sold out soon.
      return { title: mark, capacity: random.pick([2, 40]) };
    case 'reservations':
      if (some('showings').length === 0) return undefined;
      return { showingId: random.pick(some('showings')), customer: mark, holdSeconds: 60 + random.below(60) };
    case 'orders':
      if (some('showings').length === 0) return undefined;
      return { ...example, showingId: random.pick(some('showings')), places: 1, customer: mark };
    case 'settlements':
      if (some('payments').length === 0) return undefined;
      return { ...example, payee: 'shop', paymentIds: random.shuffled(some('payments')).slice(0, 2) };
    case 'approvals':
      return { title: mark, approvers: ['alice', 'bob'], quorum: 2 };
    case 'articles':
      return { ...example, slug: random.pick(['one', 'two']), title: mark };
    case 'invites':
      return { ...example, workspace: random.pick(['press', 'desk']), role: mark };
    default:
      return example;
  }
}

function transition(shared: Shared, random: Random, domain: Domain, name: string): object | undefined {
  const input = domain.transitions[name]?.input;
  if (!input) return undefined;
  const example: Record<string, unknown> = { ...exampleOf(input) };
  if ('amount' in example) example['amount'] = 1 + random.below(60);
  const others = shared.ids.get(domain.collection) ?? [];
  if ('to' in example && others.length > 0) example['to'] = random.pick(others);
  return example;
}
