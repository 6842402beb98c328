/** Two first starts of a checkout at once. What they have loaded by then they hold for as long as they serve. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { firstStart } from '../support/first-start.ts';

test('two that start at once share an assembly, and neither loads the CDK', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'first-starts-'));
  try {
    const started = await Promise.all([firstStart(folder), firstStart(folder)]);
    const [name = '', ...others] = await readdir(folder);
    expect(others).toEqual([]);
    const expected = { directory: path.join(folder, name), cdk: false };
    expect(started).toEqual([expected, expected]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
