import { describe, expect, it, test } from 'vitest';
import { routesOf } from '../../functions/api/routes.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { domains } from '../../functions/domains/index.ts';
import { examples } from '../examples/index.ts';

const registry = registerDomains(domains);
const document = createOpenApi(registry);
const openRoutes = [
  'get /console',
  'get /docs',
  'get /health',
  'get /openapi.json',
  'post /callbacks/{receiver}',
];

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly $ref?: string; readonly name?: string }[];
  readonly security: unknown;
  readonly requestBody?: { readonly content: Record<string, { readonly example?: unknown }> };
  readonly responses: Record<string, unknown>;
  readonly 'x-example-after'?: readonly { readonly operationId?: string }[];
  readonly 'x-example-as'?: string;
}

function operationsOf({ paths = {} }: typeof document): Map<string, Operation> {
  return new Map(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation as Operation]),
    ),
  );
}
const operations = operationsOf(document);

/** Codes of one answer, as the document lists them. */
function codesOf(of: typeof document, key: string, status: string): readonly string[] {
  const response = operationsOf(of).get(key)?.responses[status] as {
    content: Record<string, { schema: { properties: { code: { enum: string[] } } } }>;
  };
  return response.content['application/problem+json']?.schema.properties.code.enum ?? [];
}

describe('the OpenAPI document', () => {
  it('has the routes of the route table and those that are open, and no other', () => {
    const expected = routesOf(registry).map(({ method, path }) => `${method.toLowerCase()} ${path}`);
    expect([...operations.keys()].sort()).toEqual([...expected, ...openRoutes].sort());
  });

  it('says which attributes an entity always has in a state', () => {
    const { Settlement } = document.components?.schemas ?? {};
    expect(Settlement).toMatchObject({
      required: expect.not.arrayContaining(['total']) as unknown,
      allOf: [
        {
          if: { properties: { status: { enum: ['confirmed', 'paying', 'paid'] } }, required: ['status'] },
          then: { required: ['total'] },
        },
      ],
    });
    expect(document.components?.schemas?.['Payment']).not.toHaveProperty('allOf');
  });

  it('is the same bytes each time', () => {
    expect(JSON.stringify(createOpenApi(registry))).toBe(JSON.stringify(document));
  });

  it('asks for a key on every command and for the scope on every route', () => {
    for (const { method, path, scope, operation } of routesOf(registry)) {
      const described = operations.get(`${method.toLowerCase()} ${path}`);
      expect(described?.security).toEqual([{ bearer: [scope] }]);
      const isCommand = ['create', 'transition', 'lock', 'unlock', 'beginRedrive'].includes(operation.is);
      const names = described?.parameters?.map(({ $ref }) => $ref) ?? [];
      expect(names.includes('#/components/parameters/IdempotencyKey')).toBe(isCommand);
    }
  });

  it('says of each operation how its query and its body may be refused', () => {
    for (const [key, { responses }] of operations) {
      if (openRoutes.includes(key)) continue;
      const statuses = ['400', '413', '415'].filter((status) => status in responses);
      expect(statuses, key).toEqual(key.startsWith('post') ? ['400', '413', '415'] : ['400']);
      expect(codesOf(document, key, '400'), key).toContain('invalid_request');
    }
  });

  it('says of each operation that its request may not be read to its end', () => {
    for (const [key, { responses }] of operations) {
      const connection = ['408', '431'].filter((status) => status in responses);
      expect(connection, key).toEqual(['408', '431']);
    }
  });

  it('lists the currencies that the server takes, and no other', () => {
    const { properties = {} } = document.components?.schemas?.['CreatePayment'] as {
      properties?: Record<string, { enum?: string[] }>;
    };
    expect(properties['currency']?.enum).toEqual(Intl.supportedValuesOf('currency'));
  });

  it('gives every operation a name of its own', () => {
    const names = [...operations.values()].map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has an example in every request body, and says what comes before it', () => {
    for (const { operationId, requestBody, ...operation } of operations.values()) {
      if (!requestBody) continue;
      expect(requestBody.content['application/json']?.example, operationId).toBeDefined();
      // A bulk redrive needs nothing, and a callback a message that a receiver has taken on: no command makes one.
      if (operationId !== 'redriveMessages' && operationId !== 'takeCallback')
        expect(operation['x-example-after'], operationId).toBeDefined();
    }
  });

  it('shows neither hidden attributes nor bookkeeping accounts nor internal transitions', () => {
    for (const domain of domains) {
      const name = domain.type.replaceAll(/(?:^|-)(\w)/g, (_, first: string) => first.toUpperCase());
      const { properties = {} } = document.components?.schemas?.[name] as { properties?: object };
      const kept = [
        ...Object.keys(domain.hidden?.shape ?? {}),
        ...Object.entries(domain.accounts ?? {}).flatMap(([key, { shown }]) => (shown === true ? [] : [key])),
      ];
      expect(Object.keys(properties).filter((key) => kept.includes(key))).toEqual([]);
      for (const [transition, { internal }] of Object.entries(domain.transitions)) {
        const path = `post /v1/${domain.collection}/{id}/${transition}`;
        expect(operations.has(path)).toBe(internal !== true);
      }
    }
    expect(JSON.stringify(document.components?.schemas)).not.toMatch(/codeFingerprint/i);
  });

  it('draws each state machine and names its rules', () => {
    for (const { collection, states, initial } of domains) {
      const { description = '' } = document.tags?.find(({ name }) => name === collection) ?? {};
      const [, diagram = ''] = /```mermaid\n([^`]*)```/.exec(description) ?? [];
      expect(diagram).toMatch(/^stateDiagram-v2\n/);
      expect(diagram).toContain(`[*] --> ${initial}\n`);
      for (const state of states) expect(diagram).toContain(`> ${state}`);
    }
  });

  it('lists what a lookup of a request answers to a key that none can be', () => {
    expect(codesOf(document, 'get /v1/requests', '400')).toEqual([
      ...['malformed_request', 'invalid_request', 'idempotency_key_missing', 'idempotency_key_malformed'],
    ]);
  });

  it('lists the codes of each command, with those of the rules it meets on the way', () => {
    expect(codesOf(document, 'post /v1/reservations', '409')).toEqual(
      expect.arrayContaining(['sold_out', 'already_exists', 'showing_closed']),
    );
    expect(codesOf(document, 'post /v1/payments/{id}/refund', '409')).toEqual(
      expect.arrayContaining(['refund_exceeds_payment', 'transition_not_allowed']),
    );
    expect(codesOf(document, 'post /v1/settlements/{id}/confirm', '409')).toContain('payment_not_settleable');
    expect(codesOf(document, 'post /v1/approvals/{id}/approve', '409')).toContain('already_voted');
    expect(codesOf(document, 'post /v1/approvals/{id}/approve', '403')).toContain('not_an_approver');
    expect(codesOf(document, 'post /v1/point-accounts/{id}/transfer', '422')).toContain('unprocessable');
    expect(codesOf(document, 'post /v1/payments', '409')).not.toContain('already_exists');
  });
});

const parcels = defineDomain({
  collection: 'parcels',
  type: 'parcel',
  idPrefix: 'prc',
  summary: 'A parcel.',
  states: ['packed', 'on-its-way', 'lost'],
  attributes: { to: text('ada'), note: text('fragile').optional() },
  create: {
    summary: 'Pack one',
    authorize: { not_for_others: { actorIs: 'to', otherwise: 'Everybody packs for themselves.' } },
    input: { to: text('ada'), note: text('fragile').optional() },
    set: ({ input }) => input,
  },
  transitions: {
    send: {
      summary: 'Send it',
      from: ['packed'],
      to: ['on-its-way'],
      role: 'packer',
      rules: { never_sent: { holds: () => false, otherwise: 'Nothing is ever sent.' } },
    },
    lose: { summary: 'Lose it', internal: true, from: ['on-its-way'], to: ['lost'] },
  },
});

test('a definition that is new gets routes, schemas, example and diagram by itself', () => {
  const mine = createOpenApi(registerDomains([parcels]));
  const described = operationsOf(mine);
  expect(described.get('post /v1/parcels')?.requestBody?.content['application/json']?.example).toEqual({
    to: 'ada',
    note: 'fragile',
  });
  expect(described.get('post /v1/parcels')?.['x-example-as']).toBe('ada');
  expect(codesOf(mine, 'post /v1/parcels', '403')).toEqual(['insufficient_scope', 'not_for_others']);
  expect(mine.tags?.[0]?.description).toContain('| `create` | who is its `to` |');
  expect(codesOf(mine, 'post /v1/parcels/{id}/send', '403')).toEqual(['insufficient_scope', 'role_missing']);
  // No row of examples leads past a rule that never holds, and the document does not claim one.
  expect(described.get('post /v1/parcels/{id}/send')?.['x-example-after']).toBeUndefined();
  expect(described.has('post /v1/parcels/{id}/lose')).toBe(false);
  expect(mine.tags?.[0]?.description).toContain('state "on-its-way" as on_its_way');
});

test('the examples say what the definitions say of them, and who sends each', () => {
  const described = operationsOf(createOpenApi(registerDomains(examples)));
  expect(
    described.get('post /v1/campaigns')?.requestBody?.content['application/json']?.example,
  ).toMatchObject({
    title: 'A record',
    endsAt: '2026-01-31T12:00:00.000Z',
  });
  // Nobody rents from themselves.
  expect(described.get('post /v1/rentals')).toMatchObject({
    'x-example-as': 'bob',
    'x-example-after': [{ operationId: 'createPiece' }],
  });
  expect(described.get('post /v1/rentals/{id}/return')?.['x-example-after']).toMatchObject([
    { operationId: 'createPiece' },
    { operationId: 'createRental', as: 'bob' },
  ]);
  // Others have to pledge before the time is over, and each of them is an example of one kind.
  expect(described.get('post /v1/campaigns/{id}/pay-out')?.['x-example-after']).toEqual([
    { operationId: 'createCampaign', id: 'cmp_01JD2X5T9ZK4M8Q7W6V5B3N2HC' },
    { operationId: 'createPledge', id: 'plg_01JD2X5T9ZK4M8Q7W6V5B3N2HC' },
    { operationId: 'createPledge', id: 'plg_01JD2X5T9ZK4M8Q7W6V5B3N2HD' },
    { operationId: 'createPledge', id: 'plg_01JD2X5T9ZK4M8Q7W6V5B3N2HE' },
    { deadline: 'end', id: 'cmp_01JD2X5T9ZK4M8Q7W6V5B3N2HC' },
  ]);
  // Who has asked for leave does not agree to it, and who has agreed to it does not do so twice.
  expect(described.get('post /v1/leave-requests/{id}/approve')?.['x-example-as']).toBe('carol');
});
