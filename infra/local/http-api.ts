import type { JSONWebKeySet } from 'jose';
import type { Functions } from './functions.ts';
import type { GatewayRoute } from './gateway.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { createJwtAuthorizer, eitherOf, type JwtAuthorizer } from './jwt-authorizer.ts';
import type { Resolver } from './resolver.ts';
import { resourcesOf, served, type Template } from './template.ts';

interface RouteProperties {
  readonly RouteKey: string;
  /** `integrations/<id>` */
  readonly Target: string;
  readonly AuthorizationType?: string;
  readonly AuthorizerId?: string;
  readonly AuthorizationScopes?: readonly string[];
}

interface IntegrationProperties {
  readonly IntegrationType: string;
  readonly IntegrationUri: string;
  readonly PayloadFormatVersion: string;
}

interface AuthorizerProperties {
  readonly AuthorizerType: string;
  readonly IdentitySource: readonly string[];
  readonly JwtConfiguration: { readonly Audience: readonly string[]; readonly Issuer: string };
}

/** A route of the template, which leads to one of its functions. */
export type FunctionRoute = GatewayRoute & { readonly target: LambdaFunction };

/**
 * Reads the routes of the template's HTTP API with their functions and authorizers.
 * @param more accepts what the template's authorizer does not
 */
export function readHttpApi(
  template: Template,
  resolver: Resolver,
  functions: Functions,
  keys: JSONWebKeySet,
  more?: JwtAuthorizer,
): FunctionRoute[] {
  for (const [logicalId, { Properties = {} }] of resourcesOf(template, served.api)) {
    if (Properties['CorsConfiguration'] !== undefined) throw new Error('the local stack does not know CORS');
    resolver.define(logicalId, { ref: logicalId, attributes: { ApiEndpoint: 'http://127.0.0.1' } });
  }
  const authorizers = new Map<string, JwtAuthorizer>();
  for (const [logicalId, { Properties }] of resourcesOf(template, served.authorizer)) {
    const properties = resolver.resolve(Properties) as AuthorizerProperties;
    if (
      properties.AuthorizerType !== 'JWT' ||
      properties.IdentitySource[0] !== '$request.header.Authorization'
    ) {
      throw new Error(`authorizer ${logicalId} does not read a JWT from the Authorization header`);
    }
    const { Issuer: issuer, Audience: audience } = properties.JwtConfiguration;
    const own = createJwtAuthorizer(keys, { issuer, audience });
    authorizers.set(logicalId, more === undefined ? own : eitherOf(own, more));
  }
  const integrations = new Map(
    resourcesOf(template, served.integration).map(([logicalId, { Properties }]) => {
      const properties = resolver.resolve(Properties) as IntegrationProperties;
      if (properties.IntegrationType !== 'AWS_PROXY' || properties.PayloadFormatVersion !== '2.0') {
        throw new Error(`integration ${logicalId} is not a Lambda proxy with payload format 2.0`);
      }
      return [logicalId, functions.byArn(functionArn(properties.IntegrationUri))] as const;
    }),
  );
  return resourcesOf(template, served.route).map(([logicalId, { Properties }]) => {
    const properties = resolver.resolve(Properties) as RouteProperties;
    const target = integrations.get(properties.Target.replace('integrations/', ''));
    if (target === undefined) throw new Error(`route ${logicalId} has no integration`);
    const authorizer = authorizers.get(properties.AuthorizerId ?? '');
    if (properties.AuthorizationType === 'JWT' && authorizer === undefined) {
      throw new Error(`route ${logicalId} has no authorizer`);
    }
    return {
      key: properties.RouteKey,
      target,
      scopes: properties.AuthorizationScopes ?? [],
      ...(properties.AuthorizationType === 'JWT' && authorizer !== undefined && { authorizer }),
    };
  });
}

/** An integration names the function itself, or API Gateway's path of its invocations. */
function functionArn(uri: string): string {
  return /functions\/(arn:[^/]+)\/invocations/.exec(uri)?.[1] ?? uri;
}
