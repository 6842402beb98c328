/** What only another command creates has no route of its own, and all the rest that a definition has. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, list, reference, text } from '../../functions/core/fields.ts';
import { many } from '../../functions/core/others.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { commandId } from '../../functions/docs/names.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { casesOf } from '../../infra/tools/explain/cases.ts';
import { routeOf } from '../../infra/tools/explain/request-case.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole, located } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { conformance } from '../support/conformance.ts';

const part = { name: text('A draft'), price: amount(500) };

const milestones = defineDomain({
  collection: 'milestones',
  type: 'milestone',
  idPrefix: 'mst',
  summary: 'A part of a contract.',
  states: ['agreed', 'done'],
  attributes: { ...part, contract: reference('contracts', 'ctr') },
  unique: { milestone_name: { while: ['agreed'], of: ['contract', 'name'] } },
  create: {
    summary: 'Agree on a part',
    internal: true,
    input: { ...part, contract: reference('contracts', 'ctr') },
    rules: { dear: { holds: ({ input }) => input.price < 1_000_000, otherwise: 'Too dear.' } },
  },
  transitions: { finish: { summary: 'Hand it in', from: ['agreed'], to: ['done'] } },
});

const contracts = defineDomain({
  collection: 'contracts',
  type: 'contract',
  idPrefix: 'ctr',
  summary: 'What is agreed on.',
  states: ['open', 'ended'],
  attributes: { client: text('ada'), first: list(reference('milestones', 'mst'), 0, 3, []) },
  create: {
    summary: 'Agree on it',
    input: { client: text('ada'), names: list(text('A print'), 0, 3, ['A print']), price: amount(500) },
    creates: {
      parts: {
        of: many(milestones, 3),
        input: ({ id, input }) => input.names.map((name) => ({ name, price: input.price, contract: id })),
      },
    },
    set: ({ input, created }) => ({ client: input.client, first: created.parts.map(({ id }) => id) }),
  },
  transitions: { end: { summary: 'End it', from: ['open'], to: ['ended'] } },
});

const domains = [milestones, contracts];

describe('what only another command creates', () => {
  let api: TestBackend;
  beforeAll(async () => {
    api = await startBackend({ domains });
  });

  it('has no route, and is created, listed and moved like any other', async () => {
    const body = { name: 'A draft', price: 500, contract: 'ctr_01JD2X5T9ZK4M8Q7W6V5B3N2HC' };
    const refused = await api.post('/v1/milestones', body);
    expect([...verdictOf(refused), refused.headers['allow']]).toEqual([
      405,
      'method_not_allowed',
      'GET, HEAD',
    ]);
    const made = await api.post('/v1/contracts', { client: 'ada', names: ['A', 'B'], price: 500 });
    expect(made.status, made.text).toBe(201);
    const [first] = made.json['first'] as [string];
    const read = await api.get(`/v1/milestones/${first}`);
    expect(read.json).toMatchObject({ status: 'agreed', price: 500, contract: idOf(made) });
    expect((await api.post(`/v1/milestones/${first}/finish`)).json['status']).toBe('done');
    expect((await api.get('/v1/milestones')).json['items']).toHaveLength(2);
    expect(located((await auditWhole(createAudit(api.backend), 'acme')).problems)).toEqual([]);
  });

  it('is refused what its own creation refuses, and then nothing is created', async () => {
    const refused = await api.post('/v1/contracts', { client: 'bob', names: ['A'], price: 1_000_000 });
    expect(verdictOf(refused)).toEqual([409, 'dear']);
    const { items } = (await api.get('/v1/contracts')).json as { items: { client: string }[] };
    expect(items.map(({ client }) => client)).not.toContain('bob');
  });

  it('is documented without a route and without examples that nobody can send', () => {
    const document = createOpenApi(registerDomains(domains));
    expect(document.paths?.['/v1/milestones']).not.toHaveProperty('post');
    expect(document.components?.schemas).not.toHaveProperty('CreateMilestone');
    const { description = '' } = document.tags?.find(({ name }) => name === 'milestones') ?? {};
    expect(description).toContain('[*] --> agreed: create (with another)');
    expect(description).toContain('| `create` | nobody: another command creates it |');
    expect(JSON.stringify(document)).not.toContain(commandId(milestones, 'create'));
  });

  it('has no case in explain', () => {
    const routes = casesOf(registerDomains(domains)).map(routeOf);
    expect(routes).toContain('POST /v1/contracts');
    expect(routes).not.toContain('POST /v1/milestones');
  });
});

for (const domain of domains) conformance(domain, domains);
