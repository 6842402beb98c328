/** `npm run localstack:test`: the end-to-end tests, unchanged, against what `localstack:deploy` deployed. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { readTokenKey, signToken } from '../../local/token-key.ts';
import { outputsFile } from './outputs.ts';

const text = await readFile(outputsFile, 'utf8').catch(() => undefined);
if (text === undefined) {
  process.stderr.write('nothing is deployed: run npm run localstack:deploy first\n');
  process.exit(1);
}
const outputs = JSON.parse(text) as Readonly<Record<string, Readonly<Record<string, string>>>>;
const url = Object.values(outputs)
  .map(({ ApiUrl }) => ApiUrl)
  .find((value) => value !== undefined);
const request = { tenant: `e2e-${randomUUID()}`, subject: 'alice', scope: 'commands ops', expiresIn: '1h' };
const { status } = spawnSync('npm', ['run', 'test:e2e'], {
  stdio: 'inherit',
  env: { ...process.env, BASE_URL: url, TOKEN: await signToken(request, await readTokenKey()) },
});
process.exit(status ?? 1);
