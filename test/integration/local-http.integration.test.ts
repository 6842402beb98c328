import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Template } from '../../infra/local/template.ts';
import { localAudience, localIssuer } from '../../infra/local/token-key.ts';
import { fixtureFunction, startFixtureStack, type FixtureStack } from '../support/fixture-stack.ts';

const route = (key: string, authorized: boolean): Template['Resources'][string] => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    RouteKey: key,
    Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
    ...(authorized && { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Authorizer' } }),
  },
});

const template: Template = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      },
    },
    Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 30 } },
    Function: fixtureFunction(
      'probe',
      { GREETING: 'hello', TABLE: { Ref: 'Table' }, QUEUE_URL: { Ref: 'Queue' } },
      1,
    ),
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: { 'Fn::GetAtt': ['Function', 'Arn'] },
        PayloadFormatVersion: '2.0',
      },
    },
    Authorizer: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: {
        AuthorizerType: 'JWT',
        IdentitySource: ['$request.header.Authorization'],
        JwtConfiguration: { Issuer: localIssuer, Audience: [localAudience] },
      },
    },
    Guarded: route('ANY /v1/{proxy+}', true),
    One: route('GET /items/{id}', false),
    Fallback: route('$default', false),
  },
};

interface Shown {
  event: Record<string, unknown> & {
    headers: Record<string, string>;
    requestContext: Record<string, unknown> & { http: Record<string, unknown> };
  };
  started: number;
  remainingMs: number;
  greeting: string;
  table: string;
  queue: string;
}

let fixture: FixtureStack;
beforeAll(async () => {
  fixture = await startFixtureStack(template, inject('dynamodbEndpoint'), 'local-http');
});
afterAll(() => fixture.stop());

const show = async (path: string, init: RequestInit = {}): Promise<Shown> =>
  (await (await fetch(`${fixture.url}${path}`, init)).json()) as Shown;

describe('the event of a request', () => {
  test('is of payload format 2.0, decoded as API Gateway does', async () => {
    const { event, remainingMs } = await show('/items/a%20b?x=1&x=2&y=%C3%A9', {
      headers: { Cookie: 'a=1; b=2', 'X-Mixed-Case': 'Yes' },
    });
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'GET /items/{id}',
      rawPath: '/items/a b',
      rawQueryString: 'x=1&x=2&y=%C3%A9',
      cookies: ['a=1', 'b=2'],
      queryStringParameters: { x: '1,2', y: 'é' },
      pathParameters: { id: 'a b' },
      isBase64Encoded: false,
      requestContext: {
        stage: '$default',
        http: { method: 'GET', path: '/items/a b', protocol: 'HTTP/1.1' },
      },
    });
    expect(event.headers['x-mixed-case']).toBe('Yes');
    expect(event.headers).not.toHaveProperty('cookie');
    expect(remainingMs).toBeLessThanOrEqual(1_000);
  });

  test.each([
    ['JSON', 'application/json', Buffer.from('{"a":"é"}'), false],
    ['a problem document', 'application/problem+json', Buffer.from('{}'), false],
    ['a form', 'application/x-www-form-urlencoded', Buffer.from('a=1'), true],
    ['JSON that is not UTF-8', 'application/json', Buffer.from([0x22, 0xff, 0x22]), true],
  ])('carries %s so that no byte is lost', async (_case, type, body, isBase64Encoded) => {
    const { event } = await show('/echo', { method: 'POST', headers: { 'content-type': type }, body });
    expect(event['isBase64Encoded']).toBe(isBase64Encoded);
    expect(Buffer.from(String(event['body']), isBase64Encoded ? 'base64' : 'utf8').equals(body)).toBe(true);
  });
});

test('functions find what the template binds them to', async () => {
  const shown = await show('/anything');
  expect(shown).toMatchObject({ greeting: 'hello', table: 'local-http-Table' });
  expect(shown.queue).toContain(fixture.sqsEndpoint);
});

describe('the authorizer', () => {
  const call = async (token: string | undefined): Promise<Response> =>
    await fetch(`${fixture.url}/v1/payments`, {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    });

  test('lets a good token pass and hands its claims on as strings', async () => {
    const response = await call(await fixture.token({ tenant: 'globex', scope: 'commands ops' }));
    expect(response.status).toBe(200);
    const { event } = (await response.json()) as Shown;
    const claims = (event.requestContext['authorizer'] as { jwt: { claims: Record<string, string> } }).jwt
      .claims;
    expect(claims).toMatchObject({ sub: 'alice', tenant: 'globex', scope: 'commands ops', iss: localIssuer });
    expect(typeof claims['exp']).toBe('string');
  });

  test.each([
    ['no token', () => Promise.resolve(undefined)],
    ['a garbled one', () => Promise.resolve('a.b.c')],
    ['an expired one', () => fixture.token({ expiresIn: '-1h' })],
    [
      'a changed one',
      async () => {
        const [header = '', , signature = ''] = (await fixture.token()).split('.');
        const claims = Buffer.from(JSON.stringify({ sub: 'mallory', exp: 9_999_999_999 })).toString(
          'base64url',
        );
        return `${header}.${claims}.${signature}`;
      },
    ],
  ])('answers 401 to %s', async (_case, make: () => Promise<string | undefined>) => {
    const response = await call(await make());
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: 401, code: 'unauthorized', instance: '/v1/payments' });
    expect(problem['requestId']).toBe(response.headers.get('x-request-id'));
  });
});

describe('answers', () => {
  test('carry bytes, cookies and the request id', async () => {
    const binary = await fetch(`${fixture.url}/binary`);
    expect([...new Uint8Array(await binary.arrayBuffer())]).toEqual([0, 255, 1]);
    expect(binary.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const cookies = await fetch(`${fixture.url}/cookies`);
    expect(cookies.status).toBe(204);
    expect(cookies.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test.each(['/throw', '/bad-status'])(
    'of a function that fails are 500 without internals: %s',
    async (path) => {
      const response = await fetch(`${fixture.url}${path}`);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('asked');
    },
  );

  test('of a function that runs out of time are 503; what ran beside it ends, and its environment is replaced', async () => {
    const before = await show('/anything');
    const [late, beside] = await Promise.all([fetch(`${fixture.url}/never`), show('/anything')]);
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await late.json()).toMatchObject({ status: 503, code: 'unavailable' });
    expect(beside.started).toBe(before.started);
    expect((await show('/anything')).started).toBeGreaterThan(before.started);
  });

  test('of a function that crashes are 500, and its environment is replaced', async () => {
    const before = await show('/anything');
    expect((await fetch(`${fixture.url}/crash`)).status).toBe(500);
    expect((await show('/anything')).started).toBeGreaterThan(before.started);
  });
});

describe('bad input', () => {
  test.each([
    ['a path that cannot be decoded', '/%ff', 400],
    ['a lone percent sign', '/%', 400],
    ['a path with encoded control characters', '/%00%0a', 200],
    ['dots and slashes', '//../..//', 200],
  ])('%s', async (_case, path, status) => {
    expect((await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).status).toBe(status);
  });

  test.each([
    ['no HTTP at all', Buffer.from('\u0000\u0001garbage\r\n\r\n')],
    [
      'bytes outside ASCII in the request line',
      Buffer.from([0x47, 0x45, 0x54, 0x20, 0xff, 0xfe, 0x0d, 0x0a]),
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('%s is answered 4xx', async (_case, request) => {
    const { status, text } = await raw(request);
    expect(Math.floor(status / 100)).toBe(4);
    expect(text.toLowerCase()).toContain('x-request-id:');
  });

  const whole = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
  test.each([
    ['garbage', 'garbage\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ])('%s behind whole requests is refused after their answers', async (_case, rest, refused) => {
    const { text } = await raw(`${whole}${whole}${rest}`);
    expect(statuses(text)).toEqual([200, 200, refused]);
  });

  test('what follows a request that closes the connection takes nothing from its answer', async () => {
    const last = whole.replace('Host: a', 'Host: a\r\nConnection: close');
    const { text } = await raw(`${last}garbage\r\n\r\n`);
    expect(statuses(text)).toEqual([200]);
  });

  test('a request that is cut off by garbage is not carried out, and is refused at once', async () => {
    const { text } = await raw(
      'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\ngarbage\r\n\r\n',
    );
    expect(statuses(text)).toEqual([400]);
  });

  test('a body above API Gateway’s limit is answered 413', async () => {
    const response = await fetch(`${fixture.url}/echo`, {
      method: 'POST',
      body: Buffer.alloc(10 * 1024 * 1024 + 1),
    });
    expect(response.status).toBe(413);
  });
});

/** The status of each answer that a connection gave, in their order. */
const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** Sends bytes as they are, which no HTTP client would, and reads to the end. */
async function raw(request: string | Buffer): Promise<{ status: number; text: string }> {
  const text = await new Promise<string>((resolve) => {
    let received = '';
    const socket = connect(Number(new URL(fixture.url).port), '127.0.0.1', () => socket.write(request));
    socket.on('data', (chunk) => (received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(received);
    });
  });
  return { status: Number(text.split(' ')[1]), text };
}
