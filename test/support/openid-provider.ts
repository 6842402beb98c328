/** A real OpenID provider on this machine, with a page on which a test says yes or no: https://github.com/panva/node-oidc-provider */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { listen } from '../../infra/local/ports.ts';

export const clientId = 'console';
/** As the console asks for it (RFC 8707); the token's `aud` is another name. */
export const resource = 'urn:commit-once:api';
export const audience = 'commit-once';

export interface Issues {
  audience: string;
  format: 'jwt' | 'opaque';
  tokenSeconds: number;
  /** Codes that nobody can redeem, as if each had been used before. */
  usedCodes: boolean;
}

const usual: Issues = { audience, format: 'jwt', tokenSeconds: 600, usedCodes: false };

export interface OpenIdProvider {
  readonly url: string;
  /** What it issues from now on. */
  readonly issues: Issues;
  /** How often a code was redeemed, or tried to be. */
  readonly redemptions: () => number;
  /** Lets the console sign in that lies there. */
  serve(consoleUrl: string): void;
  /** Issues as at first. */
  reset(): void;
  stop(): void;
}

/** It answers once it is told of the console, whose address is known only when the backend, which wants this one's, runs. */
export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const issues = { ...usual };
  let redemptions = 0;
  let handle: RequestListener | undefined;
  const server = createServer((request, response) => {
    if (request.url === '/token' && request.method === 'POST') redemptions += 1;
    handle?.(request, response);
  });
  const url = `http://127.0.0.1:${await listen(server, 0)}`;
  return {
    url,
    issues,
    redemptions: () => redemptions,
    serve: (consoleUrl) => {
      const created = new Provider(url, {
        clients: [
          {
            client_id: clientId,
            redirect_uris: [consoleUrl],
            response_types: ['code'],
            grant_types: ['authorization_code'],
            token_endpoint_auth_method: 'none',
          },
        ],
        jwks: { keys: [jwk] },
        cookies: { keys: ['for a test alone'] },
        clientBasedCORS: (_, origin) => origin === new URL(consoleUrl).origin,
        findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
        ttl: {
          AccessToken: () => issues.tokenSeconds,
          Grant: 600,
          IdToken: 600,
          Interaction: 600,
          Session: 600,
        },
        extraTokenClaims: () => ({ tenant: 'acme', roles: 'refunds' }),
        features: {
          devInteractions: { enabled: false },
          resourceIndicators: {
            enabled: true,
            getResourceServerInfo: () => ({
              scope: 'commands ops',
              audience: issues.audience,
              accessTokenFormat: issues.format,
              jwt: { sign: { alg: 'RS256' } },
            }),
          },
        },
      });
      created.on('authorization_code.saved', (code) => {
        if (issues.usedCodes) void code.destroy();
      });
      const answer = created.callback();
      handle = (request, response) => {
        if (request.url?.startsWith('/interaction/') !== true) void answer(request, response);
        else void askViewer(created, request, response);
      };
    },
    reset: () => {
      Object.assign(issues, usual);
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const page = `<!doctype html><html lang="en"><title>Issuer</title><form method="post">
<button name="answer" value="allow">Allow</button><button name="answer" value="deny">Deny</button></form></html>`;

/** Alice is whoever says yes. */
async function askViewer(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    return;
  }
  if (new URLSearchParams(await text(request)).get('answer') === 'deny') {
    await provider.interactionFinished(request, response, { error: 'access_denied' });
    return;
  }
  const accountId = 'alice';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope('openid');
  grant.addResourceScope(resource, 'commands ops');
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId }, consent });
}
