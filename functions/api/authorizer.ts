import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent } from 'aws-lambda';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { readClaims } from './claims.ts';

/**
 * The Lambda authorizer of the REST API (stage `localstack`), in place of the HTTP API's JWT authorizer: the same
 * checks of signature, issuer, audience and validity, and of the claims that name the caller. Scopes are the API function's matter in both.
 *
 * A REST API passes on only flat values, so the API function finds the claims it needs as
 * `requestContext.authorizer = { sub, tenant, scope }`, `scope` being space-separated.
 */

export interface TokenRules {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Public keys as JSON; without them they are looked up at the issuer (OpenID Connect Discovery). */
  readonly keys?: string;
}

export type TokenAuthorizer = (event: APIGatewayTokenAuthorizerEvent) => Promise<APIGatewayAuthorizerResult>;

/** API Gateway turns exactly this message into a 401, and anything else that is thrown into a 500. */
const unauthorized = 'Unauthorized';

export function createAuthorizer(rules: TokenRules): TokenAuthorizer {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (event) => {
    const token = /^Bearer +([^ ]+)$/i.exec(event.authorizationToken)?.[1];
    if (token === undefined) throw new Error(unauthorized);
    keys ??= findKeys(rules).catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    const key = await keys;
    const { payload } = await jwtVerify(token, key, {
      issuer: rules.issuer,
      audience: [...rules.audience],
      requiredClaims: ['exp', 'sub'],
    }).catch(() => {
      throw new Error(unauthorized);
    });
    const claims = readClaims(payload);
    if (!claims) throw new Error(unauthorized);
    const { tenant, subject, scopes } = claims;
    return {
      principalId: subject,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: event.methodArn }],
      },
      context: { sub: subject, tenant, scope: [...scopes].join(' ') },
    };
  };
}

async function findKeys(rules: TokenRules): Promise<JWTVerifyGetKey> {
  if (rules.keys !== undefined) return createLocalJWKSet(JSON.parse(rules.keys) as JSONWebKeySet);
  const base = rules.issuer.replace(/\/$/, '');
  const answer = await fetch(`${base}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(3_000),
  });
  const { jwks_uri: uri } = (await answer.json()) as { readonly jwks_uri: string };
  return createRemoteJWKSet(new URL(uri));
}

let authorizer: TokenAuthorizer | undefined;

export const handler: TokenAuthorizer = (event) => {
  authorizer ??= createAuthorizer(rulesOf(process.env));
  return authorizer(event);
};

function rulesOf(source: Readonly<Record<string, string | undefined>>): TokenRules {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_KEYS: keys } = source;
  if (issuer === undefined || audience === undefined) {
    throw new Error('JWT_ISSUER and JWT_AUDIENCE have to be set.');
  }
  return { issuer, audience: audience.split(','), ...(keys !== undefined && { keys }) };
}
