import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose';
import type { Claims } from './http-event.ts';
import { algorithm } from './token-key.ts';

export interface JwtAuthorizer {
  /** @returns the claims, or undefined where the token is missing or not acceptable. */
  readonly authorize: (authorization: string | undefined) => Promise<Claims | undefined>;
}

/**
 * The checks of an HTTP API's JWT authorizer (signature, issuer, audience, `exp`, `nbf`), on local public keys
 * instead of those the issuer publishes.
 */
export function createJwtAuthorizer(
  keys: JSONWebKeySet,
  expected: { readonly issuer: string; readonly audience: readonly string[] },
): JwtAuthorizer {
  const keySet = createLocalJWKSet(keys);
  return {
    authorize: async (authorization) => {
      const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return undefined;
      try {
        const { payload } = await jwtVerify(token, keySet, {
          algorithms: [algorithm],
          issuer: expected.issuer,
          audience: [...expected.audience],
          requiredClaims: ['exp'],
        });
        return toClaims(payload);
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
        throw error;
      }
    },
  };
}

/** Asks the second only about what the first does not accept. */
export const eitherOf = (first: JwtAuthorizer, second: JwtAuthorizer): JwtAuthorizer => ({
  authorize: async (authorization) =>
    (await first.authorize(authorization)) ?? (await second.authorize(authorization)),
});

/** API Gateway hands every claim on as a string; a list becomes `[a b]`. */
export function toClaims(payload: Readonly<Record<string, unknown>>): Claims {
  return Object.fromEntries(
    Object.entries(payload).map(([name, value]) => [
      name,
      Array.isArray(value)
        ? `[${value.join(' ')}]`
        : typeof value === 'string'
          ? value
          : JSON.stringify(value),
    ]),
  );
}
