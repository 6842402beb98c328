import path from 'node:path';
import { projectFolder } from '../../local/token-key.ts';

/**
 * Where the CDK's command line keeps its cache, and the assembly of the last deployment. It is also where an account is
 * bootstrapped from: beside a `cdk.json` the command would synthesize the app first, for nothing.
 */
export const folder = path.join(projectFolder, 'localstack');
export const assemblyFolder = path.join(folder, 'cdk.out');

/** The account and Region that every server of this kind takes these credentials for. */
export const environment = 'aws://000000000000/us-east-1';
const anybody = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
} as const;

/** The port of `compose.yaml`. */
const composed = 'http://127.0.0.1:4566';

export interface Endpoint {
  /** Without a slash at its end; the host is an address, never a name. */
  readonly url: string;
  /** False for the one that the compose file starts. */
  readonly isGiven: boolean;
}

/**
 * The server that the stage is deployed to: `AWS_ENDPOINT_URL`, or the one that the compose file starts. It is on this
 * machine: credentials, templates and tokens go there. An address in place of `localhost` makes the AWS SDK write a
 * bucket's name into the path, so that no DNS has to know it.
 * @throws Error in one line, where the variable names something else
 */
export function endpointOf(variables: Readonly<Record<string, string | undefined>>): Endpoint {
  const { AWS_ENDPOINT_URL: given = '' } = variables;
  if (given === '') return { url: composed, isGiven: false };
  const { protocol, hostname, port } = URL.canParse(given) ? new URL(given) : nowhere;
  if (protocol !== 'http:' || !['localhost', '127.0.0.1'].includes(hostname)) {
    throw new Error(`AWS_ENDPOINT_URL="${given}" is not on this machine: give http://127.0.0.1:<port>`);
  }
  return { url: `http://127.0.0.1:${port === '' ? '80' : port}`, isGiven: true };
}

const nowhere = { protocol: '', hostname: '', port: '' };

/**
 * What the CDK's command line runs with: it asks that server only, has a home of its own, where nothing that is cached
 * of a real account stands in the way, and tells nobody that it ran.
 */
export function cdkVariables(
  { url }: Endpoint,
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('AWS_')));
  return {
    ...own,
    ...anybody,
    AWS_ENDPOINT_URL: url,
    AWS_ENDPOINT_URL_S3: url,
    CDK_HOME: path.join(folder, 'home'),
    CDK_DISABLE_VERSION_CHECK: 'true',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}
