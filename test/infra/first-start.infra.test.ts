/**
 * The first start of a checkout synthesizes the template, which a later one finds: `infra/local/assembly.ts`. What a start
 * loads meanwhile is looked at by `test/e2e/first-starts`, since it takes longer.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { provideAssembly, synthesizeApart } from '../../infra/local/assembly.ts';
import { processFacts } from '../../infra/local/java-process.ts';
import { synthesize } from '../../infra/local/synthesis.ts';
import { descendants } from '../support/processes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'first-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a synthesis that fails says what it would say in this process', async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  const inFile = path.join(file, 'assembly');
  const failure = (attempt: () => unknown): Promise<unknown> =>
    Promise.resolve()
      .then(attempt)
      .catch((error: unknown) => error);
  const here = await failure(() => {
    synthesize(inFile);
  });
  expect(here).toBeInstanceOf(Error);
  const { message, stack = '' } = here as Error;
  const apart = await failure(() => synthesizeApart(inFile));
  expect(apart).toMatchObject({ message, stack: expect.stringContaining('synthesis.ts') as string });
  expect((apart as Error).stack?.split('\n')[0]).toBe(stack.split('\n')[0]);
});

test('a start that is given up ends its synthesis and leaves nothing of it', async () => {
  const start = new AbortController();
  const failed = provideAssembly(folder, start.signal).catch((error: unknown) => error);
  const synthesis = await vi.waitFor(
    async () => {
      for (const pid of await descendants(process.pid)) {
        if ((await processFacts(pid))?.command.includes(folder) === true) return pid;
      }
      throw new Error('no synthesis yet');
    },
    { timeout: 60_000 },
  );
  start.abort();
  expect(await failed).toMatchObject({ name: 'AbortError' });
  expect(await processFacts(synthesis)).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});
