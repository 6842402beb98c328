/**
 * The stage `localstack` puts a REST API (payload 1.0) in front of the function that an HTTP API (payload 2.0) has in
 * front of it elsewhere: whatever is sent, both get the same answer.
 */
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GatewayEvent, GatewayResult } from '../../functions/api/lambda-adapter.ts';
import { createTokenCheck, withTokenCheck } from '../../functions/api/token-check.ts';
import type { Clock } from '../../functions/runtime/clock.ts';
import { createJwtAuthorizer } from '../../infra/local/jwt-authorizer.ts';
import { localAudience, localIssuer, publicKeys, readTokenKey } from '../../infra/local/token-key.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { tokenFor } from '../support/started-backend.ts';

const folder = path.join(import.meta.dirname, '../../events');
const formats = ['api-gateway-v1', 'api-gateway-v2'] as const;
type Format = (typeof formats)[number];
/** The payment that the events speak of. */
const paymentOfEvents = 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D';

/** What every case of `events/` is answered; a payment of the events does not exist. */
const verdicts: Readonly<Record<string, number>> = {
  'confirm-payment': 404,
  'create-payment': 201,
  health: 200,
  'list-payments': 200,
  'poisoned-not-json': 400,
  'poisoned-not-utf8': 400,
  'poisoned-path': 404,
  'poisoned-proto': 400,
  'unknown-route': 404,
};

interface Sending {
  readonly tenant?: string;
  readonly payment?: string;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  /** Repeated where a value is a list, with names spelled as the caller did. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly query?: string;
  /** As the caller encoded it. */
  readonly path?: string;
}

// No time passes, so that the same command in both formats has the same answer to the millisecond.
const startedAt = Date.now();
const clock: Clock = { now: () => startedAt };
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock });
});

/** A case of `events/`, changed in what a test is about, the way each service would have sent it. */
function eventOf(format: Format, name: string, sending: Sending = {}): GatewayEvent {
  const { tenant = 'acme', payment = paymentOfEvents, headers = {}, body, query } = sending;
  const text = readFileSync(path.join(folder, format, `${name}.json`), 'utf8')
    .replaceAll('"tenant": "acme"', `"tenant": "${tenant}"`)
    .replaceAll(paymentOfEvents, payment);
  const event = JSON.parse(text) as GatewayEvent;
  event.requestContext.requestId = randomUUID();
  if (body !== undefined) event.body = body;
  if (sending.isBase64Encoded !== undefined) event.isBase64Encoded = sending.isBase64Encoded;
  if ('rawPath' in event) changeHttp(event, headers, query, sending.path);
  else changeRest(event, headers, query, sending.path);
  return event;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
function changeHttp(
  event: APIGatewayProxyEventV2,
  headers: NonNullable<Sending['headers']>,
  query: string | undefined,
  encodedPath: string | undefined,
): void {
  for (const [name, values] of Object.entries(headers)) {
    event.headers[name.toLowerCase()] = [values].flat().join(',');
  }
  if (query !== undefined) event.rawQueryString = query;
  if (encodedPath !== undefined) event.rawPath = decodeURIComponent(encodedPath);
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
function changeRest(
  event: APIGatewayProxyEvent,
  headers: NonNullable<Sending['headers']>,
  query: string | undefined,
  encodedPath: string | undefined,
): void {
  for (const [name, given] of Object.entries(headers)) {
    const values = typeof given === 'string' ? [given] : [...given];
    for (const spelling of Object.keys(event.headers)) {
      if (spelling.toLowerCase() !== name.toLowerCase()) continue;
      Reflect.deleteProperty(event.headers, spelling);
      Reflect.deleteProperty(event.multiValueHeaders, spelling);
    }
    // The last of several values stands in the single-value list.
    event.headers[name] = values.at(-1);
    event.multiValueHeaders[name] = values;
  }
  if (query !== undefined) {
    const parameters = new URLSearchParams(query);
    event.queryStringParameters = Object.fromEntries(parameters);
    event.multiValueQueryStringParameters = Object.fromEntries(
      [...parameters.keys()].map((name) => [name, parameters.getAll(name)]),
    );
  }
  if (encodedPath !== undefined) {
    event.path = encodedPath;
    event.requestContext.path = `/localstack${encodedPath}`;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly json: Readonly<Record<string, unknown>>;
}

async function send(event: GatewayEvent): Promise<Answer> {
  const result = await api.send(event);
  expect(Object.keys(result).toSorted()).toEqual(['body', 'headers', 'isBase64Encoded', 'statusCode']);
  expect(result.isBase64Encoded).toBe(false);
  const { requestId } = event.requestContext;
  expect(result.headers?.['x-request-id']).toBe(requestId);
  const json = JSON.parse(result.body) as Answer['json'];
  // What differs between any two requests: their ids, and those of what they made.
  const same = (text: string): string =>
    text.replaceAll(requestId, '<request>').replaceAll(/pay_[0-9A-Z]{26}/g, '<payment>');
  const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [name, same(value)]);
  return {
    status: result.statusCode,
    headers: Object.fromEntries(headers) as Answer['headers'],
    body: same(result.body),
    json,
  };
}

/** Sends a request in both formats, each for a tenant of its own, and expects one answer. */
async function sendBoth(name: string, sending: Omit<Sending, 'tenant'> = {}): Promise<Answer> {
  const [rest, http] = [
    await send(eventOf('api-gateway-v1', name, { ...sending, tenant: randomUUID() })),
    await send(eventOf('api-gateway-v2', name, { ...sending, tenant: randomUUID() })),
  ];
  expect({ ...rest, json: undefined }).toEqual({ ...http, json: undefined });
  return rest;
}

const idOf = ({ json }: Answer): string => String(json['id']);

describe('the events of both APIs', () => {
  const cases = readdirSync(path.join(folder, 'api-gateway-v1')).map((file) => path.parse(file).name);

  it('are the same cases', () => {
    expect(cases).toEqual(
      readdirSync(path.join(folder, 'api-gateway-v2')).map((file) => path.parse(file).name),
    );
    expect(cases).toEqual(Object.keys(verdicts));
  });

  it.each(cases)('%s is answered alike', async (name) => {
    const { status, headers } = await sendBoth(name);
    expect(status).toBe(verdicts[name]);
    expect(headers['content-type']).toBe(status < 400 ? 'application/json' : 'application/problem+json');
  });
});

describe.each(formats)('a payment by %s', (format) => {
  it('is created, confirmed and listed', async () => {
    const tenant = randomUUID();
    const created = await send(eventOf(format, 'create-payment', { tenant }));
    expect(created.status).toBe(201);
    const confirmed = await send(eventOf(format, 'confirm-payment', { tenant, payment: idOf(created) }));
    expect([confirmed.status, confirmed.json['status']]).toEqual([200, 'confirmed']);
    const listed = await send(
      eventOf(format, 'list-payments', { tenant, query: 'status=confirmed&limit=20' }),
    );
    expect(listed.json['items']).toMatchObject([{ id: idOf(created), status: 'confirmed' }]);
  });

  it('tells where it is without the stage of the API', async () => {
    const event = eventOf(format, 'create-payment', { tenant: randomUUID() });
    const { headers, body } = await api.send(event);
    const { id } = JSON.parse(body) as { id: string };
    expect(headers?.['location']).toBe(`/v1/payments/${id}`);
    const missing = await send(eventOf(format, 'confirm-payment', { tenant: randomUUID() }));
    expect(missing.json['instance']).toBe(`/v1/payments/${paymentOfEvents}/confirm`);
  });
});

describe('a duplicate', () => {
  it.each([
    ['api-gateway-v1', 'api-gateway-v1'],
    ['api-gateway-v1', 'api-gateway-v2'],
    ['api-gateway-v2', 'api-gateway-v1'],
  ] as const)('by its Idempotency-Key, first by %s and then by %s, is replayed', async (first, second) => {
    const tenant = randomUUID();
    const original = await api.send(eventOf(first, 'create-payment', { tenant }));
    const duplicate = await api.send(eventOf(second, 'create-payment', { tenant }));
    expect([original.statusCode, duplicate.statusCode]).toEqual([201, 201]);
    expect(original.headers).not.toHaveProperty('idempotent-replayed');
    expect(duplicate.headers).toMatchObject({
      'idempotent-replayed': 'true',
      location: original.headers?.['location'] ?? 'nowhere',
    });
    expect(duplicate.body).toBe(original.body);
  });

  it('with another body is refused', async () => {
    const tenant = randomUUID();
    await send(eventOf('api-gateway-v2', 'create-payment', { tenant }));
    const body = '{"payer":"alice","payee":"bookshop","amount":1,"currency":"EUR"}';
    const refused = await send(eventOf('api-gateway-v1', 'create-payment', { tenant, body }));
    expect([refused.status, refused.json['code']]).toEqual([422, 'idempotency_key_reused']);
  });
});

describe('a body in base64', () => {
  it('is the bytes that were sent', async () => {
    const text = '{"payer":"Zoë 😀","payee":"bookshop","amount":1250,"currency":"EUR"}';
    const body = Buffer.from(text).toString('base64');
    const { status, json } = await sendBoth('create-payment', { body, isBase64Encoded: true });
    expect([status, json['payer']]).toEqual([201, 'Zoë 😀']);
  });
});

describe('a header', () => {
  it('means the same in any spelling', async () => {
    const headers = { 'IDEMPOTENCY-KEY': 'k', 'content-TYPE': 'application/json' };
    expect((await sendBoth('create-payment', { headers })).status).toBe(201);
  });

  it('that was repeated is refused by both', async () => {
    const matched = await sendBoth('create-payment', { headers: { 'If-Match': ['"1"', '"2"'] } });
    expect([matched.status, matched.json['code']]).toEqual([400, 'if_match_malformed']);
    for (const values of [
      ['k', 'k'],
      ['a', 'b'],
      ['', 'k'],
      ['"k"', '"k"'],
    ]) {
      const { status, json } = await sendBoth('create-payment', { headers: { 'Idempotency-Key': values } });
      expect([status, json['code']], String(values)).toEqual([400, 'idempotency_key_malformed']);
    }
    const locked = await sendBoth('create-payment', { headers: { 'Lock-Token': ['t', 't'] } });
    expect([locked.status, locked.json['code']]).toEqual([400, 'lock_token_malformed']);
    const token = `Bearer ${await tokenFor('acme', 'commands', 'bob')}`;
    expect((await sendBoth('create-payment', { headers: { Authorization: token } })).status).toBe(201);
    const twice = await sendBoth('create-payment', { headers: { Authorization: [token, token] } });
    expect([twice.status, twice.json['code']]).toEqual([401, 'unauthorized']);
  });

  it('If-Match that is empty is refused by both', async () => {
    const { status, json } = await sendBoth('confirm-payment', { headers: { 'If-Match': '' } });
    expect([status, json['code']]).toEqual([400, 'if_match_malformed']);
  });

  it.each(['ключ', 'a\u0000b', ''])('of the value %j is refused, not changed', async (value) => {
    const refused = await sendBoth('create-payment', { headers: { 'Idempotency-Key': value } });
    expect(refused.status).toBe(400);
  });

  it('may be missing altogether, as in a test of the console', async () => {
    const event = eventOf('api-gateway-v1', 'health');
    expect((await send({ ...event, headers: null, multiValueHeaders: null } as never)).status).toBe(200);
  });
});

describe('a query', () => {
  it('pages through a list with the cursor it was given', async () => {
    const tenant = randomUUID();
    for (const key of ['a', 'b', 'c']) {
      await send(
        eventOf('api-gateway-v1', 'create-payment', { tenant, headers: { 'Idempotency-Key': key } }),
      );
    }
    const pages = async (format: Format): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (let cursor = ''; ;) {
        const query = `limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
        const { json } = await send(eventOf(format, 'list-payments', { tenant, query }));
        seen.push(json['items']);
        cursor = (json['nextCursor'] as string | undefined) ?? '';
        if (cursor === '') return seen;
      }
    };
    const [rest, http] = [await pages('api-gateway-v1'), await pages('api-gateway-v2')];
    expect(rest).toEqual(http);
    expect(rest.map((page) => (page as unknown[]).length)).toEqual([2, 1]);
  });

  it.each(['limit=1&limit=2', 'status=nothing', 'limit', 'a=%20%2B%26', 'limit=%e2%82%ac'])(
    '%s is answered alike',
    async (query) => {
      expect((await sendBoth('list-payments', { query })).status).toBeLessThan(500);
    },
  );
});

/** What a party may call itself, and a URL would understand otherwise. */
const oddNames = [
  ...[
    'CORP\\shop',
    'a/../b',
    'a/./b',
    'a/..',
    '../..',
    '..',
    '.',
    '/',
    'a//b',
    '%2e%2e',
    'a/%2e%2e/b',
    '%2F%5C',
  ],
  ...[
    'a b',
    '50%',
    'x?y#z',
    'a%2Fb',
    'a%25b',
    '界',
    'a\u2028b',
    "it's",
    '"q"',
    '<>',
    '{x}',
    '^|`',
    'a;b=c',
    ':',
  ],
];

describe('a path', () => {
  it.each(oddNames)('with the account of %j names it', async (name) => {
    const path = `/v1/balances/${encodeURIComponent(`holding:${name}:EUR`)}`;
    const { status, json } = await sendBoth('list-payments', { path, query: '' });
    expect([status, json['account']]).toEqual([200, `holding:${name}:EUR`]);
  });

  it('with an account that was used shows what is on it', async () => {
    for (const payee of oddNames) {
      const tenant = randomUUID();
      const body = JSON.stringify({ payer: 'alice', payee, amount: 5, currency: 'EUR' });
      const payment = idOf(await send(eventOf('api-gateway-v2', 'create-payment', { tenant, body })));
      await send(eventOf('api-gateway-v2', 'confirm-payment', { tenant, payment }));
      const path = `/v1/balances/${encodeURIComponent(`holding:${payee}:EUR`)}`;
      for (const format of formats) {
        const { json } = await send(eventOf(format, 'list-payments', { tenant, path, query: '' }));
        expect(json['balance'], `${format} ${payee}`).toBe(5);
      }
    }
  });

  it.each([
    '/v1/balances/../payments',
    '/v1/balances/%2e%2e/payments',
    '/v1/payments/../balances/a:b:EUR',
    '/v1/./payments',
    '/v1/showings/..%2fpayments',
    '/v1\\payments',
    '/v1/payments%5c',
    '/../health',
    '/v1/../health',
  ])('%s is what it says, or nothing', async (path) => {
    const { status, json } = await sendBoth('list-payments', { path, query: '' });
    const account = /^\/v1\/balances\/(.*)/.exec(decodeURIComponent(path))?.[1];
    expect([status, json['code'], json['account']]).toEqual(
      account === undefined ? [404, 'not_found', undefined] : [200, undefined, account],
    );
  });

  it('is one path in whatever spelling: a key used on it is used', async () => {
    const tenant = randomUUID();
    const payment = idOf(await send(eventOf('api-gateway-v1', 'create-payment', { tenant })));
    const spelled = `/v1/payments/%70${payment.slice(1)}/confirm`;
    const confirm = (path?: string) =>
      send(eventOf('api-gateway-v1', 'confirm-payment', { tenant, payment, ...(path && { path }) }));
    expect((await confirm(spelled)).status).toBe(200);
    expect((await confirm()).headers['idempotent-replayed']).toBe('true');
  });
});

describe('a path that a REST API passes on undecoded', () => {
  it.each(['%00%ff../..%2f', '%ff', '%', 'ключ', '\ud800', '..%2f..%2fhealth', 'x?y#z'])(
    '%j is answered like anything that is not there',
    async (odd) => {
      const event = {
        ...eventOf('api-gateway-v1', 'list-payments', { query: '' }),
        path: `/v1/payments/${odd}`,
      };
      const { status, json } = await send(event);
      expect([404, 400]).toContain(status);
      expect(json['code']).toBe(status === 404 ? 'not_found' : 'malformed_request');
    },
  );
});

describe('the claims of a REST API', () => {
  it('are those that the function found in the token', async () => {
    const tenant = randomUUID();
    const check = createTokenCheck({
      issuer: localIssuer,
      audience: [localAudience],
      keys: JSON.stringify(publicKeys(await readTokenKey())),
    });
    const authorization = `Bearer ${await tokenFor(tenant, 'commands', 'bob')}`;
    const handle = withTokenCheck((event) => api.send(event), check);
    const sent = async (more: Record<string, string[]>): Promise<GatewayResult> => {
      const event = eventOf('api-gateway-v1', 'create-payment') as APIGatewayProxyEvent;
      event.multiValueHeaders = { ...event.multiValueHeaders, ...more };
      return handle(event, {} as Context);
    };
    expect((await sent({ Authorization: [authorization] })).statusCode).toBe(201);
    // What the event of the file says of a caller is no token.
    expect((await sent({ Authorization: [] })).statusCode).toBe(401);
    const listed = await api.get('/v1/payments', { tenant });
    expect(listed.json['items']).toHaveLength(1);
    const ledger = await api.get(
      `/v1/payments/${String((listed.json['items'] as { id: string }[])[0]?.id)}/ledger`,
      { tenant },
    );
    expect(ledger.json['items']).toMatchObject([{ actor: 'bob' }]);
  });

  it.each(['create-payment', 'list-payments'])('are needed for %s', async (name) => {
    const event = eventOf('api-gateway-v1', name);
    delete (event.requestContext as { authorizer?: unknown }).authorizer;
    const { status, json } = await send(event);
    expect([status, json['code']]).toEqual([401, 'unauthorized']);
  });
});

describe('the claims of an HTTP API', () => {
  const signed = async (claims: Readonly<Record<string, unknown>>) => {
    const key = await readTokenKey();
    const whole = { iss: localIssuer, aud: localAudience, exp: 9_999_999_999, ...claims };
    return new SignJWT(whole)
      .setProtectedHeader({ alg: 'RS256', kid: key.kid ?? '' })
      .sign(await importJWK(key, 'RS256'));
  };
  /** What the gateway lets through and hands over, and what the function answers. */
  const answered = async (claims: Readonly<Record<string, unknown>>) => {
    const authorization = `Bearer ${await signed(claims)}`;
    const { authorize } = createJwtAuthorizer(publicKeys(await readTokenKey()), {
      issuer: localIssuer,
      audience: [localAudience],
    });
    const handedOver = await authorize(authorization);
    expect(handedOver).toBeDefined();
    const event = eventOf('api-gateway-v2', 'create-payment', { headers: { Authorization: authorization } });
    const context = (event as APIGatewayProxyEventV2).requestContext as unknown as Record<string, unknown>;
    context['authorizer'] = { jwt: { claims: handedOver, scopes: null } };
    return send(event);
  };
  const good = { sub: 'alice', tenant: 'acme', scope: 'commands' };

  it.each([
    ...[null, ['a', 'b'], ['a'], 7, true, { a: 1 }].flatMap((value) => [{ tenant: value }, { sub: value }]),
  ])('are strings in the token: %j is refused', async (wrong) => {
    const { status, json } = await answered({ ...good, ...wrong });
    expect([status, json['code']]).toEqual([401, 'unauthorized']);
  });

  it.each([['commands'], ['ops', 'commands'], 'ops commands', 'commands'])(
    'may name scopes in a list or a string: %j',
    async (...scope) => {
      expect(
        (await answered({ ...good, sub: randomUUID(), scope: scope.length > 1 ? scope : scope[0] })).status,
      ).toBe(201);
    },
  );

  it.each([[['ops']], [[]], [null], ['[ops]']])('of the scopes %j are not enough', async (scope) => {
    const { status, json } = await answered({ ...good, scope });
    expect([status, json['code']]).toEqual([403, 'insufficient_scope']);
  });
});
