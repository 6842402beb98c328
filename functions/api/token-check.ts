/**
 * The check of a token where no gateway does it: behind the REST API of the stage `localstack`. LocalStack's
 * CloudFormation knows no authorizer of a REST API, so the function asks itself what the HTTP API's JWT authorizer asks
 * elsewhere: signature, issuer, audience and validity. Scopes are the routes' matter in both.
 */
import type { Context } from 'aws-lambda';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { GatewayEvent, GatewayResult } from './lambda-adapter.ts';

export interface TokenRules {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Public keys as JSON; without them they are looked up at the issuer (OpenID Connect Discovery). */
  readonly keys?: string;
}

/**
 * @param authorization the header's values, however often it was sent
 * @returns the claims of a good token; `undefined` for none, a bad one, and more than one
 * @throws where the issuer's keys cannot be had
 */
export type TokenCheck = (authorization: readonly string[]) => Promise<JWTPayload | undefined>;

export function createTokenCheck(rules: TokenRules): TokenCheck {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async ([header = '', ...more]) => {
    const token = /^Bearer +([^ ]+)$/i.exec(header)?.[1];
    if (token === undefined || more.length > 0) return undefined;
    keys ??= findKeys(rules).catch((error: unknown) => {
      keys = undefined;
      throw error;
    });
    const key = await keys;
    return await jwtVerify(token, key, { issuer: rules.issuer, requiredClaims: ['exp', 'sub'] }).then(
      ({ payload }) => (isFor(payload, rules.audience) ? payload : undefined),
      () => undefined,
    );
  };
}

/**
 * As an HTTP API reads it: `client_id` stands for the audience where there is no `aud`, as in Cognito's access tokens.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 */
const isFor = ({ aud, client_id: clientId }: JWTPayload, audience: readonly string[]): boolean =>
  [aud ?? clientId].flat().some((name) => typeof name === 'string' && audience.includes(name));

type Handler = (event: GatewayEvent, context: Context) => Promise<GatewayResult>;

/**
 * Puts the claims where the JWT authorizer of an HTTP API has them. Whatever the event says of a caller is dropped, so a
 * request without a good token is one of nobody, which the routes answer with 401.
 */
export function withTokenCheck(handle: Handler, check: TokenCheck): Handler {
  return async (event, context) => {
    const claims = await check(authorizationOf(event));
    const authorizer = claims === undefined ? undefined : { jwt: { claims, scopes: null } };
    return await handle(
      { ...event, requestContext: { ...event.requestContext, authorizer } } as GatewayEvent,
      context,
    );
  };
}

/** A REST API hands headers over as they were spelled, and all values of one that was repeated. */
function authorizationOf(event: GatewayEvent): string[] {
  type Headers = Readonly<Record<string, string | readonly string[] | undefined>> | null | undefined;
  const { headers, multiValueHeaders } = event as { headers: Headers; multiValueHeaders?: Headers };
  return Object.entries(multiValueHeaders ?? headers ?? {}).flatMap(([name, value]) =>
    name.toLowerCase() === 'authorization' ? (value ?? []) : [],
  );
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
