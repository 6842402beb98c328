import type { APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAuthorizer, type TokenAuthorizer } from '../../functions/api/authorizer.ts';

const issuer = 'https://issuer.example';
const audience = 'commit-once';
const methodArn = 'arn:aws:execute-api:us-east-1:000000000000:api/localstack/POST/v1/payments';

let authorize: TokenAuthorizer;
let sign: (claims: JWTPayload) => Promise<string>;
let signWithStrangeKey: (claims: JWTPayload) => Promise<string>;

beforeAll(async () => {
  const [known, strange] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const keys = JSON.stringify({
    keys: [{ ...(await exportJWK(known.publicKey)), kid: 'one', alg: 'RS256' }],
  });
  authorize = createAuthorizer({ issuer, audience: [audience], keys });
  const signer =
    (key: Parameters<SignJWT['sign']>[0]) =>
    (claims: JWTPayload): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);
  sign = signer(known.privateKey);
  signWithStrangeKey = signer(strange.privateKey);
});

const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const claims = (more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: audience,
  sub: 'alice',
  tenant: 'acme',
  scope: 'commands ops',
  exp: nowSeconds() + 600,
  ...more,
});
const event = (authorizationToken: string): APIGatewayTokenAuthorizerEvent => ({
  type: 'TOKEN',
  methodArn,
  authorizationToken,
});

test('a good token lets this one request through and hands on its claims', async () => {
  const answer = await authorize(event(`Bearer ${await sign(claims())}`));
  expect(answer.principalId).toBe('alice');
  expect(answer.context).toEqual({ sub: 'alice', tenant: 'acme', scope: 'commands ops' });
  expect(answer.policyDocument.Statement).toEqual([
    { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: methodArn },
  ]);
});

test.each([
  ['a list', ['commands', 'ops'], 'commands ops'],
  ['a list of lists', ['commands ops', 7], 'commands ops'],
  ['nothing', null, ''],
])('scopes may be %s', async (_, scope, handedOver) => {
  const answer = await authorize(event(`Bearer ${await sign(claims({ scope }))}`));
  expect(answer.context).toMatchObject({ scope: handedOver });
});

describe('401', () => {
  test.each([
    ...[null, ['a', 'b'], ['a'], 7, true, { a: 1 }, ''].flatMap((value) => [
      { tenant: value },
      { sub: value },
    ]),
    ...['system:timer', 'SYSTEM:x', 'receiver:llm', ' alice', 'alice\n'].map((sub) => ({ sub })),
  ])('whose claims are %j', async (wrong) => {
    const token = await sign(claims(wrong as JWTPayload));
    await expect(authorize(event(`Bearer ${token}`))).rejects.toThrow('Unauthorized');
  });

  test.each([
    ['another issuer', { iss: 'https://other.example' }],
    ['another audience', { aud: 'other' }],
    ['expired', { exp: nowSeconds() - 1 }],
    ['not valid yet', { nbf: nowSeconds() + 600 }],
  ])('%s', async (_, wrong) => {
    await expect(authorize(event(`Bearer ${await sign(claims(wrong))}`))).rejects.toThrow('Unauthorized');
  });

  test.each(['exp', 'sub'])('without %s', async (name) => {
    const rest = Object.fromEntries(Object.entries(claims()).filter(([claim]) => claim !== name));
    await expect(authorize(event(`Bearer ${await sign(rest)}`))).rejects.toThrow('Unauthorized');
  });

  test('signed with another key', async () => {
    const token = await signWithStrangeKey(claims());
    await expect(authorize(event(`Bearer ${token}`))).rejects.toThrow('Unauthorized');
  });

  test.each(['', 'Bearer', 'Bearer a.b.c', 'Basic YTpi', 'Bearer a b'])('%j', async (header) => {
    await expect(authorize(event(header))).rejects.toThrow('Unauthorized');
  });

  test('not signed at all', async () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part(claims())}.`;
    await expect(authorize(event(`Bearer ${token}`))).rejects.toThrow('Unauthorized');
  });
});
