import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import type { GatewayEvent } from '../../functions/api/lambda-adapter.ts';
import { createTokenCheck, withTokenCheck, type TokenCheck } from '../../functions/api/token-check.ts';

const issuer = 'https://issuer.example';
const audience = 'commit-once';

let check: TokenCheck;
let sign: (claims: JWTPayload) => Promise<string>;
let signWithStrangeKey: (claims: JWTPayload) => Promise<string>;

beforeAll(async () => {
  const [known, strange] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const keys = JSON.stringify({
    keys: [{ ...(await exportJWK(known.publicKey)), kid: 'one', alg: 'RS256' }],
  });
  check = createTokenCheck({ issuer, audience: [audience], keys });
  const signer =
    (key: Parameters<SignJWT['sign']>[0]) =>
    (claims: JWTPayload): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
  sign = signer(known.privateKey);
  signWithStrangeKey = signer(strange.privateKey);
});

const startedAt = Math.floor(Date.now() / 1000);
const nowSeconds = (): number => startedAt;
const claims = (more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: audience,
  sub: 'alice',
  tenant: 'acme',
  scope: 'commands ops',
  exp: nowSeconds() + 600,
  ...more,
});

test('a good token gives its claims', async () => {
  const given = claims();
  expect(await check([`Bearer ${await sign(given)}`])).toEqual(given);
});

test('`client_id` stands for the audience where there is no `aud`, and only there', async () => {
  const { aud, ...without } = claims();
  const verdict = async (given: JWTPayload): Promise<boolean> =>
    (await check([`Bearer ${await sign(given)}`])) !== undefined;
  expect(await verdict({ ...without, client_id: audience })).toBe(true);
  expect(await verdict({ ...without, client_id: 'other' })).toBe(false);
  expect(await verdict(without)).toBe(false);
  expect(await verdict({ ...without, aud: 'other', client_id: audience })).toBe(false);
  expect(await verdict({ ...without, aud: ['other', aud as string] })).toBe(true);
});

describe('the handler behind the check', () => {
  const seen = async (event: unknown): Promise<unknown> => {
    let authorizer: unknown;
    const handle = withTokenCheck(({ requestContext }) => {
      authorizer = (requestContext as { authorizer?: unknown }).authorizer;
      return Promise.resolve({ statusCode: 200, body: '', isBase64Encoded: false });
    }, check);
    await handle(event as GatewayEvent, {} as Context);
    return authorizer;
  };
  const requestContext = { authorizer: { sub: 'mallory', tenant: 'acme' } };

  test.each(['Authorization', 'authorization', 'AUTHORIZATION'])('finds the token in %s', async (name) => {
    const token = `Bearer ${await sign(claims())}`;
    const wanted = { jwt: { claims: claims(), scopes: null } };
    expect(await seen({ headers: { [name]: token }, requestContext })).toEqual(wanted);
    const event = { headers: {}, multiValueHeaders: { [name]: [token] }, requestContext };
    expect(await seen(event satisfies Partial<Record<keyof APIGatewayProxyEvent, unknown>>)).toEqual(wanted);
  });

  test('knows nobody where there is no token, two of them, or a bad one, whatever the event says', async () => {
    const token = `Bearer ${await sign(claims())}`;
    for (const event of [
      { headers: null, multiValueHeaders: null },
      { headers: {} },
      { headers: { authorization: 'Bearer a.b.c' } },
      { headers: { authorization: token }, multiValueHeaders: { authorization: [token, token] } },
      { multiValueHeaders: { authorization: [token], Authorization: [token] } },
    ]) {
      expect(await seen({ ...event, requestContext })).toBeUndefined();
    }
  });
});

describe('nobody', () => {
  test.each([
    ['another issuer', { iss: 'https://other.example' }],
    ['another audience', { aud: 'other' }],
    ['expired', { exp: nowSeconds() - 1 }],
    ['not valid yet', { nbf: nowSeconds() + 600 }],
  ])('%s', async (_, wrong) => {
    expect(await check([`Bearer ${await sign(claims(wrong))}`])).toBeUndefined();
  });

  test.each(['exp', 'sub'])('without %s', async (name) => {
    const rest = Object.fromEntries(Object.entries(claims()).filter(([claim]) => claim !== name));
    expect(await check([`Bearer ${await sign(rest)}`])).toBeUndefined();
  });

  test('signed with another key', async () => {
    const token = await signWithStrangeKey(claims());
    expect(await check([`Bearer ${token}`])).toBeUndefined();
  });

  test.each(['', 'Bearer', 'Bearer a.b.c', 'Basic YTpi', 'Bearer a b'])('%j', async (header) => {
    expect(await check([header])).toBeUndefined();
  });

  test('not signed at all', async () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part(claims())}.`;
    expect(await check([`Bearer ${token}`])).toBeUndefined();
  });
});
