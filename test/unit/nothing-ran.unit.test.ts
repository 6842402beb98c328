import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { withoutOwn } from '../support/started-backend.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');

test.each([
  ['that fits a test succeeds', 'a folder that is made', 0],
  ['that fits none fails', 'a foldr that is made', 1],
])('a -t %s', { timeout: 120_000 }, async (_case, name, code) => {
  const parameters = ['run', '--project', 'unit', 'test/unit/data-folder.unit.test.ts', '-t', name];
  const ended: unknown = await run('node_modules/.bin/vitest', parameters, {
    cwd: root,
    env: withoutOwn(process.env),
  }).catch((error: unknown) => error);
  expect((ended as { readonly code?: number }).code ?? 0).toBe(code);
});
