/** `npm run explain` as a person or a program runs it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { requestCases } from '../../infra/tools/explain/request-case.ts';

const root = path.join(import.meta.dirname, '../..');
const run = promisify(execFile);
const explain = (...words: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, ['--import', 'tsx', 'infra/tools/explain/explain.ts', ...words], {
    cwd: root,
    timeout: 110_000,
    maxBuffer: 16 * 1024 * 1024,
  });

interface Output {
  readonly entities: number;
  readonly plans: readonly { readonly name: string; readonly status: number; readonly requests: number }[];
}

it('explains a file of requests as JSON, and refuses one it cannot read', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'explain-'));
  try {
    const file = path.join(folder, 'requests.json');
    const body = { slug: 'hello', title: 'Hello', body: 'It works.' };
    const mine = {
      name: 'an archive',
      before: [
        { as: 'article', request: 'POST /v1/articles', body },
        { request: 'POST /v1/articles/{article}/publish' },
      ],
      request: 'POST /v1/articles/{article}/archive',
    };
    await writeFile(file, JSON.stringify([mine]));
    const { stdout } = await explain('--requests', file, '--entities', '30', '--runs', '1', '--json');
    const [output] = JSON.parse(stdout) as [Output];
    expect(output.plans).toMatchObject([{ name: 'an archive', status: 200, requests: 2 }]);
    expect(requestCases.safeParse([{ ...mine, surprise: true }]).success).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);

it('prints a route for people, and names what there is where it knows no such route', async () => {
  const { stdout } = await explain('GET', '/v1/articles', '--entities', '30', '--runs', '1');
  expect(stdout).toContain('query  data/byStatus');
  await expect(explain('GET', '/v1/nothing')).rejects.toMatchObject({ code: 2 });
}, 120_000);
