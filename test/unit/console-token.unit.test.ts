/** The route that signs in to the console of a stack on one machine. That no deployment has it, `template.infra` shows. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GatewayRoute } from '../../infra/local/gateway.ts';
import { consoleTokenRoute } from '../../infra/local/console-token.ts';
import { createJwtAuthorizer } from '../../infra/local/jwt-authorizer.ts';
import { localAudience, localIssuer, publicKeys, readTokenKey } from '../../infra/local/token-key.ts';

const wanted = { tenant: 'acme', subject: 'alice', scope: 'commands ops', roles: 'refunds' };
const own = {
  host: '127.0.0.1:3000',
  origin: 'http://127.0.0.1:3000',
  'content-type': 'application/json',
};

let route: GatewayRoute;
let authorize: ReturnType<typeof createJwtAuthorizer>['authorize'];
beforeAll(async () => {
  const key = await readTokenKey(await mkdtemp(join(tmpdir(), 'token-key-')));
  route = consoleTokenRoute(key);
  ({ authorize } = createJwtAuthorizer(publicKeys(key), { issuer: localIssuer, audience: [localAudience] }));
});

async function ask(body: string, headers: Readonly<Record<string, string>> = own) {
  const invocation = await route.target.invoke({ headers, body, requestContext: { requestId: 'request-1' } });
  if (!invocation.ok) throw new Error('the route failed');
  const { statusCode, body: text } = invocation.payload as { statusCode: number; body: string };
  return { status: statusCode, json: JSON.parse(text) as Readonly<Record<string, string>> };
}

describe('the token of the local console', () => {
  it('is one that the local authorizer accepts, and says what was asked for', async () => {
    const { status, json } = await ask(JSON.stringify(wanted));
    expect(status).toBe(200);
    const { token = '' } = json;
    expect(await authorize(`Bearer ${token}`)).toBeDefined();
    expect(decodeJwt(token)).toMatchObject({ sub: 'alice', tenant: 'acme', scope: 'commands ops' });
  });

  it.each([
    ['a page of another origin', { ...own, origin: 'https://evil.example' }],
    [
      'a name of somebody else that leads here',
      { ...own, host: 'evil.example', origin: 'http://evil.example' },
    ],
    ['a name that only begins like ours', { ...own, host: '127.0.0.1.evil.example', origin: '' }],
    ['a form, which a browser sends without asking first', { ...own, 'content-type': 'text/plain' }],
  ])('is not for %s', async (_, headers) => {
    expect(await ask(JSON.stringify(wanted), headers)).toMatchObject({
      status: 403,
      json: { code: 'forbidden' },
    });
  });

  it.each(['', '{', '{}', JSON.stringify({ ...wanted, tenant: '' }), JSON.stringify({ ...wanted, more: 1 })])(
    'is refused for %j',
    async (body) => {
      expect(await ask(body)).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
    },
  );
});
