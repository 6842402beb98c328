import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { provideDataFolder } from '../../infra/local/data-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'data-folder-'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const modeOf = async (name = '.'): Promise<number> => (await stat(path.join(folder, name))).mode & 0o777;

test('a folder that is made is for its user alone', async () => {
  await provideDataFolder(path.join(folder, 'made', 'here'));
  expect(await modeOf('made/here')).toBe(0o700);
});

test('an empty one becomes so', async () => {
  await provideDataFolder(folder);
  expect(await modeOf()).toBe(0o700);
});

test('one that an earlier start left open becomes so', async () => {
  await writeFile(path.join(folder, 'shared-local-instance.db'), '');
  await provideDataFolder(folder);
  expect(await modeOf()).toBe(0o700);
});

test('one that holds other things keeps its permissions', async () => {
  await writeFile(path.join(folder, 'notes.txt'), '');
  await provideDataFolder(folder);
  expect(await modeOf()).toBe(0o755);
});
