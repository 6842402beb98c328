/**
 * `npm run localstack:deploy` deploys the stage `localstack`: to the server at `AWS_ENDPOINT_URL`, or to LocalStack,
 * which it then starts together with its receivers (compose).
 */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { publicKeys, readTokenKey } from '../../local/token-key.ts';
import { composedReceivers, contextOf, givenReceivers } from './context.ts';
import { assemblyFolder, cdkVariables, endpointOf, environment, folder, type Endpoint } from './endpoint.ts';
import { outputsFile } from './outputs.ts';

const compose = path.join(import.meta.dirname, 'compose.yaml');

/** Runs a command in the foreground; its failure ends this one with the same code. */
function run(options: SpawnSyncOptions, command: string, ...parts: readonly string[]): void {
  const { status, error } = spawnSync(command, parts, { stdio: 'inherit', ...options });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

async function deploy(endpoint: Endpoint): Promise<void> {
  const receivers = endpoint.isGiven ? givenReceivers(process.env) : composedReceivers;
  const context = contextOf(JSON.stringify(publicKeys(await readTokenKey())), receivers);
  const values = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  if (!endpoint.isGiven) {
    run({}, 'docker', 'compose', '-f', compose, 'up', '--detach', '--wait');
  }
  // The command line of the CDK follows AWS_ENDPOINT_URL by itself, so it needs no wrapper.
  const env = cdkVariables(endpoint, process.env);
  await mkdir(folder, { recursive: true });
  const cdk = ['cdk', '--no-notices'];
  run({ env, cwd: folder }, 'npx', ...cdk, 'bootstrap', environment);
  const files = ['--output', assemblyFolder, '--outputs-file', outputsFile];
  run({ env }, 'npx', ...cdk, 'deploy', ...values, ...files, '--require-approval', 'never');
}

try {
  await deploy(endpointOf(process.env));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
