import { gunzipSync } from 'node:zlib';
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { registerDomains } from '../../functions/core/registry.ts';
import { withSignIn } from '../../functions/docs/console-site.ts';
import { createDocsHandler } from '../../functions/docs/site-handler.ts';
import type { DocsEvent } from '../../functions/docs/site-handler.ts';
import { buildSite } from '../../functions/docs/site.ts';
import { domains } from '../../functions/domains/index.ts';

const site = buildSite(registerDomains(domains));
const handle = createDocsHandler(site);
/** Of a function's answer: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const answerMaxBytes = 6 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

const httpEvent = (path: string, headers: Headers = {}, method = 'GET'): APIGatewayProxyEventV2 =>
  ({
    version: '2.0',
    rawPath: path,
    headers,
    requestContext: { requestId: 'request-1', http: { method, path } },
  }) as unknown as APIGatewayProxyEventV2;

const restEvent = (path: string, headers: Headers = {}, httpMethod = 'GET'): APIGatewayProxyEvent =>
  ({
    path,
    headers,
    httpMethod,
    requestContext: { requestId: 'request-1' },
  }) as unknown as APIGatewayProxyEvent;

const get = (path: string, headers: Headers = {}) => handle(httpEvent(path, headers));

describe('the docs function', () => {
  it('answers every file with its type, compressed where that is understood', () => {
    for (const [path, file] of Object.entries(site)) {
      const plain = get(path);
      const packed = get(path, { 'Accept-Encoding': 'br, gzip;q=0.8' });
      expect(plain).toMatchObject({ statusCode: 200, isBase64Encoded: false });
      expect(packed).toMatchObject({ statusCode: 200, isBase64Encoded: true });
      expect(packed.headers).toMatchObject({ 'content-type': file.type, 'content-encoding': 'gzip' });
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(gunzipSync(Buffer.from(packed.body, 'base64')).toString()).toBe(plain.body);
      expect(Buffer.byteLength(plain.body)).toBeLessThan(answerMaxBytes);
      expect(plain.headers['x-request-id']).toBe('request-1');
      expect(plain.headers['content-security-policy']).not.toMatch(/https?:|unsafe|\*/);
    }
  });

  it('answers a REST API that sends no headers, as a test of the console does', () => {
    const event = { ...restEvent('/openapi.json'), headers: null } as unknown as APIGatewayProxyEvent;
    expect(handle(event)).toMatchObject({ statusCode: 200, isBase64Encoded: false });
  });

  it('sends text to a REST API, which would pass base64 on as it is', () => {
    const { body, isBase64Encoded, statusCode } = handle(
      restEvent('/openapi.json', { 'accept-encoding': 'gzip' }),
    );
    expect({ isBase64Encoded, statusCode }).toEqual({ isBase64Encoded: false, statusCode: 200 });
    expect(JSON.parse(body)).toMatchObject({ openapi: '3.1.1' });
  });

  it.each(['gzip;q=0', 'identity', 'br', ''])('does not compress for "%s"', (accepted) => {
    expect(get('/docs', { 'accept-encoding': accepted }).isBase64Encoded).toBe(false);
  });

  it('sends nothing again that a browser still has', () => {
    const { etag = '' } = get('/docs').headers;
    for (const known of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
      expect(get('/docs', { 'If-None-Match': known })).toMatchObject({ statusCode: 304, body: '' });
    }
    expect(get('/docs', { 'if-none-match': '"other"' }).statusCode).toBe(200);
    expect(get('/docs').headers['cache-control']).toBe('no-cache');
    expect(get('/docs/page.js').headers['cache-control']).toMatch(/max-age=\d+/);
  });

  it('answers HEAD without a body, and other methods with 405', () => {
    expect(handle(httpEvent('/docs', {}, 'HEAD'))).toMatchObject({ statusCode: 200, body: '' });
    const refused = handle(httpEvent('/docs', {}, 'POST'));
    expect(refused).toMatchObject({ statusCode: 405, headers: { allow: 'GET, HEAD' } });
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'method_not_allowed', requestId: 'request-1' });
  });

  it.each([
    '/docs/',
    '/docs/nothing',
    '/docs/../handler.ts',
    '/docs/..%2f..%2fpackage.json',
    '/docs/swagger-ui-bundle.js/',
    '/docs/__proto__',
    '__proto__',
    'constructor',
    '/docs/index.html\0',
    '',
  ])('knows nothing but its own list: %j', (path) => {
    const refused = get(path);
    expect(refused.statusCode).toBe(404);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'not_found' });
  });
});

it.each([
  ['/docs', 7],
  ['/console', 3],
])('%s names only files that exist, relative to itself', (path, count) => {
  const named = [...get(path).body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  const files = named.filter((name) => name !== 'data:,');
  expect(files).toHaveLength(count);
  for (const name of files) expect(site).toHaveProperty([`/${name.split('?')[0] ?? ''}`]);
});

describe('where the console signs in', () => {
  const settings = {
    issuer: 'https://issuer.example/pool',
    clientId: 'console',
    scopes: 'openid',
    tokenOrigin: 'https://auth.issuer.example',
  };
  const seen = (given: ReturnType<typeof withSignIn>, event: (path: string) => DocsEvent) => {
    const answer = createDocsHandler(given);
    const connects = (path: string): string =>
      /; connect-src ([^;]*);/.exec(answer(event(path)).headers['content-security-policy'] ?? '')?.[1] ?? '';
    return {
      settings: JSON.parse(answer(event('/console/sign-in.json')).body) as unknown,
      console: connects('/console'),
      others: [
        ...new Set(
          Object.keys(site)
            .filter((path) => path !== '/console')
            .map(connects),
        ),
      ],
    };
  };

  it.each([
    ['an HTTP API', httpEvent],
    ['a REST API', restEvent],
  ])('is told to its page behind %s, which may ask there and nowhere else', (_, event) => {
    expect(seen(withSignIn(site, settings), event)).toEqual({
      settings,
      console: "'self' https://issuer.example https://auth.issuer.example",
      others: ["'self'"],
    });
    const { tokenOrigin: _none, ...own } = settings;
    expect(seen(withSignIn(site, own), event).console).toBe("'self' https://issuer.example");
  });

  it('is nowhere where the deployment names no client', () => {
    expect(seen(withSignIn(site), httpEvent)).toEqual({
      settings: {},
      console: "'self'",
      others: ["'self'"],
    });
  });
});

describe('the state machines', () => {
  it('are drawn for the docs, by pictures that ask nobody for anything', () => {
    for (const { collection, states } of domains) {
      const drawing = get(`/docs/${collection}.svg`).body;
      expect(drawing).toMatch(/^<svg /);
      for (const state of states) expect(drawing).toContain(`>${state}<`);
      expect(drawing).not.toMatch(/@import|href=|<script/);
    }
  });

  it('are drawn for the console without a style of their own, which its policy would not let through', () => {
    for (const { collection, states } of domains) {
      const drawing = get(`/console/${collection}.svg`).body;
      for (const state of states) expect(drawing).toContain(`data-label="${state}"`);
      expect(drawing).not.toMatch(/<style|\sstyle=|@import|href=|<script/);
    }
  });
});
