import { describe, expect, test } from 'vitest';
import { readTarget } from '../../infra/local/http-event.ts';
import { RouteTable } from '../../infra/local/routes.ts';

const table = new RouteTable(
  [
    '$default',
    'ANY /v1/{proxy+}',
    'GET /v1/{collection}/{id}',
    'GET /v1/payments/{id}',
    'ANY /v1/payments/{id}',
    'GET /docs',
    'GET /docs/{file+}',
    'POST /v1/payments/deep/{rest+}',
  ].map((key) => ({ key })),
);

describe('the route of a request', () => {
  test.each([
    ['GET', '/docs', 'GET /docs', {}],
    ['GET', '/docs/a/b.js', 'GET /docs/{file+}', { file: 'a/b.js' }],
    ['GET', '/docs/', '$default', {}],
    ['POST', '/docs', '$default', {}],
    ['GET', '/v1/payments/p1', 'GET /v1/payments/{id}', { id: 'p1' }],
    ['PUT', '/v1/payments/p1', 'ANY /v1/payments/{id}', { id: 'p1' }],
    ['GET', '/v1/showings/s1', 'GET /v1/{collection}/{id}', { collection: 'showings', id: 's1' }],
    ['POST', '/v1/showings/s1', 'ANY /v1/{proxy+}', { proxy: 'showings/s1' }],
    ['POST', '/v1/payments/deep/er', 'POST /v1/payments/deep/{rest+}', { rest: 'er' }],
    ['GET', '/v1/', '$default', {}],
    ['GET', '/', '$default', {}],
  ])('%s %s is %s', (method, path, key, parameters) => {
    expect(table.match(method, path)).toEqual({ route: { key }, parameters });
  });

  test('does not exist without $default where nothing matches', () => {
    expect(new RouteTable([{ key: 'GET /a' }]).match('GET', '/b')).toBeUndefined();
  });
});

describe('a request target', () => {
  test.each<[string, string | undefined, string]>([
    ['/a%20b?x=%20', '/a b', 'x=%20'],
    ['/a?', '/a', ''],
    ['/a?b?c', '/a', 'b?c'],
    ['http://example.com/a?b', '/a', 'b'],
    ['http://example.com', '/', ''],
    ['//evil/../a', '//evil/../a', ''],
    ['/v1/balances/a%2F..%2F%2e%5Cb', '/v1/balances/a/../.\\b', ''],
    ['*', '/*', ''],
    ['/%ff', undefined, ''],
    ['/%', undefined, ''],
  ])('%s', (target, path, query) => {
    expect(readTarget(target)).toEqual({ path, query });
  });
});
