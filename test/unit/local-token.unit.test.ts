import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createJwtAuthorizer, toClaims } from '../../infra/local/jwt-authorizer.ts';
import {
  localAudience,
  localIssuer,
  publicKeys,
  readTokenKey,
  signToken,
} from '../../infra/local/token-key.ts';

const request = { tenant: 'acme', subject: 'alice', scope: 'commands', expiresIn: '1h' };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'token-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('many who ask for the key at once get one key, and no draft stays', async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => readTokenKey(folder)));
  expect(new Set(keys.map((key) => key.kid)).size).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
});

test('the public half carries nothing private', async () => {
  expect(publicKeys(await readTokenKey(folder)).keys[0]).not.toHaveProperty('d');
});

describe('a token', () => {
  const accepted = async (issuer: string, audience: string, authorization: string): Promise<boolean> => {
    const key = await readTokenKey(folder);
    const { authorize } = createJwtAuthorizer(publicKeys(key), { issuer, audience: [audience] });
    return (await authorize(authorization)) !== undefined;
  };

  test('is accepted for its issuer and audience only', async () => {
    const token = await signToken(request, await readTokenKey(folder));
    expect(await accepted(localIssuer, localAudience, `Bearer ${token}`)).toBe(true);
    expect(await accepted(localIssuer, localAudience, `bearer ${token}`)).toBe(true);
    expect(await accepted('https://other.example', localAudience, `Bearer ${token}`)).toBe(false);
    expect(await accepted(localIssuer, 'other', `Bearer ${token}`)).toBe(false);
  });

  test.each(['', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a.b', `Bearer ${'a'.repeat(10_000)}.b.c`])(
    'is not "%.20s"',
    async (authorization) => {
      expect(await accepted(localIssuer, localAudience, authorization)).toBe(false);
    },
  );

  test('of another key is not accepted', async () => {
    const other = await mkdtemp(path.join(os.tmpdir(), 'token-other-'));
    const token = await signToken(request, await readTokenKey(other));
    await rm(other, { recursive: true });
    expect(await accepted(localIssuer, localAudience, `Bearer ${token}`)).toBe(false);
  });
});

test('claims become strings as API Gateway writes them', () => {
  expect(toClaims({ sub: 'a', exp: 12, admin: true, groups: ['x', 'y'] })).toEqual({
    sub: 'a',
    exp: '12',
    admin: 'true',
    groups: '[x y]',
  });
});
