/** `npm run localstack:deploy`: starts LocalStack and its receivers (compose) and deploys the stage to it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { publicKeys, readTokenKey } from '../../local/token-key.ts';
import { contextOf } from './context.ts';
import { outputsFile } from './outputs.ts';

const compose = path.join(import.meta.dirname, 'compose.yaml');

/** Runs a command in the foreground; its failure ends this one with the same code. */
function run(command: string, ...parts: readonly string[]): void {
  const { status, error } = spawnSync(command, parts, { stdio: 'inherit' });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const context = contextOf(JSON.stringify(publicKeys(await readTokenKey())));
const given = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
run('docker', 'compose', '-f', compose, 'up', '--detach', '--wait');
run('npx', 'cdklocal', 'bootstrap', ...given);
run('npx', 'cdklocal', 'deploy', ...given, '--require-approval', 'never', '--outputs-file', outputsFile);
