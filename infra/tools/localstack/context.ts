import { localAudience, localIssuer } from '../../local/token-key.ts';

/** Where the functions find their receivers, as `-c` values. */
export interface Receivers {
  readonly smtpUrl?: string;
  readonly externalCallUrl?: string;
  readonly llmEndpointUrl?: string;
}

/** Services of `compose.yaml`, by their names in its network. */
export const composedReceivers = {
  smtpUrl: 'smtp://mail:1025',
  externalCallUrl: 'http://receiver:8080/calls',
  llmEndpointUrl: 'http://receiver:8080',
} as const satisfies Receivers;

/** Receivers from the variables that `npm start` takes them from, for a server that is not the compose file's. */
export function givenReceivers(variables: Readonly<Record<string, string | undefined>>): Receivers {
  const {
    SMTP_URL: smtpUrl,
    EXTERNAL_CALL_URL: externalCallUrl,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: llmEndpointUrl,
  } = variables;
  return {
    ...(smtpUrl !== undefined && { smtpUrl }),
    ...(externalCallUrl !== undefined && { externalCallUrl }),
    ...(llmEndpointUrl !== undefined && { llmEndpointUrl }),
  };
}

/**
 * The `-c` values of the deployment. The tokens are those of `npm run token`.
 * @param jwtKeys their public key as a JWK set, since the server cannot reach an issuer of this machine
 */
export const contextOf = (jwtKeys: string, receivers: Receivers): Readonly<Record<string, string>> => ({
  stage: 'localstack',
  jwtIssuer: localIssuer,
  jwtAudience: localAudience,
  jwtKeys,
  ...receivers,
});
