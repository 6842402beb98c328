/** The two stages that `npm run test:deployed` deploys, each as its own command does it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  assemblyFolder,
  cdkVariables,
  environment,
  folder as bootstrapFolder,
} from '../../infra/tools/localstack/endpoint.ts';
import { outputsFile, restApiUrl, type Outputs } from '../../infra/tools/localstack/outputs.ts';
import { root, tokenFor, withoutOwn } from '../support/started-backend.ts';
import { startIssuer } from './issuer.ts';

export interface Receivers {
  /** Of outbound calls. */
  readonly url: string;
  readonly smtpUrl: string;
}

export interface DeployedStage {
  readonly name: 'localstack' | 'dev';
  /** Synthesizes and deploys. */
  readonly deploy: () => Promise<void>;
  /** The end-to-end tests, through the URL of its API. */
  readonly test: () => Promise<void>;
  readonly destroy: () => Promise<void>;
  outputs(): Promise<Readonly<Record<string, string>>>;
  /** Where its API answers, and a token for it. */
  reach(tenant: string): Promise<{ readonly url: string; readonly token: string }>;
  stop(): void;
}

/** Runs a command of this project; what it says is shown where it fails. @throws Error where it fails */
async function run(command: readonly string[], variables: NodeJS.ProcessEnv, cwd = root): Promise<void> {
  const [program = '', ...parts] = command;
  const child = spawn(program, parts, { cwd, env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return;
  throw new Error(`${command.join(' ')} ended with ${code}:\n${Buffer.concat(said).toString('utf8')}`);
}

const readOutputs = async (file: string, stack: string): Promise<Readonly<Record<string, string>>> =>
  (JSON.parse(await readFile(file, 'utf8')) as Outputs)[stack] ?? {};

/** What `cdk bootstrap` makes once an account and Region. */
export async function bootstrap(endpoint: string): Promise<void> {
  await mkdir(bootstrapFolder, { recursive: true });
  const variables = cdkVariables({ url: endpoint, isGiven: true }, withoutOwn(process.env));
  await run(['npx', 'cdk', '--no-notices', 'bootstrap', environment], variables, bootstrapFolder);
}

/** By `npm run localstack:deploy` and `npm run localstack:test`: a REST API, whose function checks the tokens. */
export function localstackStage(endpoint: string, receivers: Receivers): DeployedStage {
  const variables = {
    ...withoutOwn(process.env),
    AWS_ENDPOINT_URL: endpoint,
    EXTERNAL_CALL_URL: receivers.url,
    SMTP_URL: receivers.smtpUrl,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: receivers.url,
  };
  const stack = 'commit-once-localstack';
  const cdk = cdkVariables({ url: endpoint, isGiven: true }, withoutOwn(process.env));
  return {
    name: 'localstack',
    deploy: () => run(['npm', 'run', 'localstack:deploy'], variables),
    test: () => run(['npm', 'run', 'localstack:test'], variables),
    destroy: () =>
      run(['npx', 'cdk', '--no-notices', 'destroy', '--app', assemblyFolder, '--force', stack], cdk),
    outputs: () => readOutputs(outputsFile, stack),
    reach: async (tenant) => {
      const url = restApiUrl(endpoint, JSON.parse(await readFile(outputsFile, 'utf8')) as Outputs);
      if (url === undefined) throw new Error(`${stack} is not among the outputs`);
      return { url, token: await tokenFor(tenant) };
    },
    stop: () => undefined,
  };
}

/** By `npx cdk deploy`, as the README has it: an HTTP API, whose JWT authorizer checks the tokens. */
export async function devStage(
  endpoint: string,
  receivers: Receivers,
  folder: string,
): Promise<DeployedStage> {
  const audience = 'commit-once-deployed';
  const issuer = await startIssuer(audience);
  const variables = cdkVariables({ url: endpoint, isGiven: true }, withoutOwn(process.env));
  const stack = 'commit-once-dev';
  const file = path.join(folder, 'outputs.json');
  const assembly = path.join(folder, 'cdk.out');
  const values = {
    stage: 'dev',
    jwtIssuer: issuer.url,
    jwtAudience: audience,
    externalCallUrl: receivers.url,
    smtpUrl: receivers.smtpUrl,
    llmEndpointUrl: receivers.url,
    // The server has no alarms of metric math.
    alarms: 'off',
  };
  const cdk = (...parts: readonly string[]): Promise<void> =>
    run(['npx', 'cdk', '--no-notices', ...parts], variables);
  const reach: DeployedStage['reach'] = async (tenant) => {
    const { ApiId = '' } = await readOutputs(file, stack);
    return { url: `${endpoint}/_aws/execute-api/${ApiId}/$default`, token: await issuer.tokenFor(tenant) };
  };
  return {
    name: 'dev',
    deploy: () =>
      cdk(
        ...['deploy', '--output', assembly, '--outputs-file', file, '--require-approval', 'never'],
        ...Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ),
    test: async () => {
      const { url, token } = await reach('e2e');
      await run(['npm', 'run', 'test:e2e'], { ...variables, BASE_URL: url, TOKEN: token });
    },
    destroy: () => cdk('destroy', '--app', assembly, '--force', stack),
    outputs: () => readOutputs(file, stack),
    reach,
    stop: () => {
      issuer.stop();
    },
  };
}
