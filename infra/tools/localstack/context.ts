import { localAudience, localIssuer } from '../../local/token-key.ts';

/** Where the functions find their receivers: services of `compose.yaml`, by their names in its network. */
export const receivers = {
  smtpUrl: 'smtp://mail:1025',
  externalCallUrl: 'http://receiver:8080/calls',
  llmEndpointUrl: 'http://receiver:8080',
} as const;

/**
 * The `-c` values of the deployment. The tokens are those of `npm run token`.
 * @param jwtKeys their public key as a JWK set, since LocalStack cannot reach an issuer of this machine
 */
export const contextOf = (jwtKeys: string): Readonly<Record<string, string>> => ({
  stage: 'localstack',
  jwtIssuer: localIssuer,
  jwtAudience: localAudience,
  jwtKeys,
  ...receivers,
});
