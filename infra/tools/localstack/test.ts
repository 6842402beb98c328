/** `npm run localstack:test`: the end-to-end tests, unchanged, against what `localstack:deploy` deployed. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readTokenKey, signToken } from '../../local/token-key.ts';
import { endpointOf } from './endpoint.ts';
import { outputsFile, restApiUrl, type Outputs } from './outputs.ts';

/** @returns the exit code of the tests */
async function test(): Promise<number> {
  const text = await readFile(outputsFile, 'utf8').catch(() => '{}');
  const url = restApiUrl(endpointOf(process.env).url, JSON.parse(text) as Outputs);
  if (url === undefined) throw new Error('nothing is deployed: run npm run localstack:deploy first');
  const request = { tenant: `e2e-${randomUUID()}`, subject: 'alice', scope: 'commands ops', expiresIn: '1h' };
  const { status } = spawnSync('npm', ['run', 'test:e2e'], {
    stdio: 'inherit',
    env: { ...process.env, BASE_URL: url, TOKEN: await signToken(request, await readTokenKey()) },
  });
  return status ?? 1;
}

try {
  process.exitCode = await test();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
