/** The roles of a caller, whichever gateway hands them over. */
import { UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { callerOf } from '../../functions/api/caller.ts';
import { toClaims } from '../../infra/local/jwt-authorizer.ts';

const token = (roles: unknown) => ({ sub: 'alice', tenant: 'acme', scope: 'commands', roles });
/** Signed or not is for the gateway to check. */
const header = (roles: unknown): string => `Bearer ${new UnsecuredJWT(token(roles)).encode()}`;

const gateways: readonly [string, (roles: unknown) => unknown][] = [
  [
    'an HTTP API, which makes a string of a list',
    (roles) => ({ authorizer: { jwt: { claims: toClaims(token(roles)) } } }),
  ],
  ['a REST API behind our own check', (roles) => ({ authorizer: { jwt: { claims: token(roles) } } })],
];

describe.each(gateways)('of %s', (_gateway, contextOf) => {
  test.each([
    [undefined, []],
    ['refunds', ['refunds']],
    ['refunds  payouts', ['refunds', 'payouts']],
    [
      ['refunds', 'payouts'],
      ['refunds', 'payouts'],
    ],
    [['not refunds'], ['not refunds']],
    ['', []],
    [[], []],
    [null, []],
    [7, []],
    [['refunds', 7, null], ['refunds']],
    [{ refunds: true }, []],
  ])('roles %j are %j', (roles, read) => {
    // JSON has no undefined: such a claim is not there.
    const claims = JSON.parse(JSON.stringify({ roles })) as { roles?: unknown };
    expect(callerOf(contextOf(claims.roles), header(claims.roles)).roles).toEqual(read);
  });

  test('without the header they are what the gateway says', () => {
    expect(callerOf(contextOf(['refunds', 'payouts']), undefined).roles).toEqual(['refunds', 'payouts']);
  });
});
