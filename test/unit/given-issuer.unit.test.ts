/** Whose tokens a stack on one machine takes beside its own. That they are checked, and used, `sign-in.integration` shows. */
import { describe, expect, it } from 'vitest';
import { readGivenIssuer } from '../../infra/local/given-issuer.ts';
import { StartError } from '../../infra/local/start-error.ts';

const given = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'one, two' };

describe('a given issuer', () => {
  it('is none where none is named', () => {
    expect(readGivenIssuer({})).toBeUndefined();
    expect(readGivenIssuer({ JWT_ISSUER: ' ', CONSOLE_CLIENT_ID: '' })).toBeUndefined();
  });

  it('is where the console signs in only where its client is named', () => {
    expect(readGivenIssuer(given)?.environment).toEqual({});
    const { CONSOLE_SIGN_IN: signIn = '' } =
      readGivenIssuer({ ...given, CONSOLE_CLIENT_ID: 'c', CONSOLE_TOKEN_ORIGIN: 'https://auth.example' })
        ?.environment ?? {};
    expect(JSON.parse(signIn)).toEqual({
      issuer: 'https://issuer.example',
      clientId: 'c',
      scopes: 'openid commands ops',
      tokenOrigin: 'https://auth.example',
    });
  });

  it.each([
    ['an audience alone', { JWT_AUDIENCE: 'one' }, 'JWT_ISSUER='],
    ['a client alone', { CONSOLE_CLIENT_ID: 'c' }, 'JWT_ISSUER='],
    ['no audience', { JWT_ISSUER: given.JWT_ISSUER, JWT_AUDIENCE: ' , ' }, 'JWT_AUDIENCE='],
    ['no URL', { ...given, JWT_ISSUER: 'issuer' }, 'JWT_ISSUER='],
    ['scopes without a client', { ...given, CONSOLE_SCOPES: 'openid' }, 'CONSOLE_CLIENT_ID='],
    ['scopes without openid', { ...given, CONSOLE_CLIENT_ID: 'c', CONSOLE_SCOPES: 'ops' }, 'CONSOLE_SCOPES='],
  ])('stops the start with one line for %s', (_, variables, named) => {
    expect(() => readGivenIssuer(variables)).toThrow(StartError);
    expect(() => readGivenIssuer(variables)).toThrow(named);
  });

  it('is not asked about what is no token', async () => {
    expect(await readGivenIssuer(given)?.authorizer.authorize(undefined)).toBeUndefined();
    expect(await readGivenIssuer(given)?.authorizer.authorize('Basic YTpi')).toBeUndefined();
  });
});
