/**
 * `npm run localstack:deploy`: starts LocalStack (compose) and deploys the stage `localstack` to it. The tokens are
 * those of `npm run token`: their public key goes along, since LocalStack cannot reach an issuer of this machine.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { localAudience, localIssuer, publicKeys, readTokenKey } from '../local/token-key.ts';
import { outputsFile } from './outputs.ts';

const compose = path.join(import.meta.dirname, 'compose.yaml');

/** Runs a command in the foreground; its failure ends this one with the same code. */
function run(command: string, ...parts: readonly string[]): void {
  const { status, error } = spawnSync(command, parts, { stdio: 'inherit' });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const keys = JSON.stringify(publicKeys(await readTokenKey()));
const context = [
  'stage=localstack',
  `jwtIssuer=${localIssuer}`,
  `jwtAudience=${localAudience}`,
  `jwtKeys=${keys}`,
];
const given = context.flatMap((value) => ['-c', value]);
run('docker', 'compose', '-f', compose, 'up', '--detach', '--wait');
run('npx', 'cdklocal', 'bootstrap', ...given);
run('npx', 'cdklocal', 'deploy', ...given, '--require-approval', 'never', '--outputs-file', outputsFile);
