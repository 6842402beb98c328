import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { everyRole } from '../support/roles.ts';
import { listen } from '../../infra/local/ports.ts';

export interface Issuer {
  /** As `-c jwtIssuer=` takes it. */
  readonly url: string;
  tokenFor(tenant: string): Promise<string>;
  stop(): void;
}

/** An OpenID provider on this machine: the JWT authorizer of the HTTP API looks its keys up there. */
export async function startIssuer(audience: string): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }];
  const documents: Record<string, unknown> = { '/keys': { keys } };
  const server = createServer((request, response) => {
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const url = `http://127.0.0.1:${await listen(server, 0)}`;
  documents['/.well-known/openid-configuration'] = { issuer: url, jwks_uri: `${url}/keys` };
  return {
    url,
    tokenFor: (tenant) =>
      new SignJWT({ tenant, scope: 'commands ops', roles: everyRole })
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .setIssuer(url)
        .setAudience(audience)
        .setSubject('alice')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
