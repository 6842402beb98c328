import { fork } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { readTemplate, type Template } from './template.ts';

export interface Assembly {
  readonly template: Template;
  /** The folder in which the functions' code lies. */
  readonly directory: string;
}

/** As in `infra/cdk/app.ts`, which names the stack by its stage. */
export const stage = 'dev';
export const stackName = `commit-once-${stage}`;

const root = path.join(import.meta.dirname, '../..');
/** Everything a cloud assembly is made from; what only serves it (this folder) is left out. */
const inputs = ['functions', 'infra', 'cdk.json', 'package.json', 'package-lock.json', 'tsconfig.json'];
/** How many assemblies stay for the next start, and for how long any stays for a stack that may still run on it. */
const keptCount = 4;
const keptMs = 60 * 60 * 1000;

/**
 * Gives the cloud assembly of the deployed app, stage `dev`. Synthesis takes most of a start, and its outcome
 * depends on the project's files alone, so it is kept under their hash: a changed file means a new synthesis, and
 * two starts at once never write to one folder.
 * @param folder where assemblies are kept
 * @param signal ends a synthesis that goes on, which then counts as failed
 */
export async function provideAssembly(folder: string, signal?: AbortSignal): Promise<Assembly> {
  const directory = path.join(folder, await hashOfInputs());
  const known = await readAssembly(directory);
  if (known !== undefined) {
    const now = new Date();
    await utimes(directory, now, now);
    return known;
  }
  await mkdir(folder, { recursive: true });
  await removeUnused(folder);
  const draft = path.join(folder, `draft-${randomUUID()}`);
  try {
    await synthesizeApart(draft, signal);
    // Fails where another start made the same assembly meanwhile; then that one is taken.
    await rename(draft, directory).catch(() => undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const made = await readAssembly(directory);
  if (made === undefined) throw new Error(`the cloud assembly ${directory} has no template`);
  return made;
}

/**
 * Synthesizes in a process of its own: the CDK is the largest import of all, and only the end of a process gives all of
 * its memory back.
 * @throws what the synthesis threw there
 */
export async function synthesizeApart(directory: string, signal?: AbortSignal): Promise<void> {
  const child = fork(path.join(import.meta.dirname, 'synthesize.ts'), [directory], {
    cwd: root,
    execArgv: ['--import', 'tsx'],
    signal,
  });
  let reason: Error | undefined;
  child.on('message', (told) => {
    reason = Object.assign(new Error(), told);
  });
  child.on('error', (error) => {
    reason = error;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('close', (code, endSignal) => {
      if (code === 0) resolve();
      else reject(reason ?? new Error(`the synthesis ended with ${endSignal ?? code}`));
    });
  });
}

export async function readAssembly(directory: string): Promise<Assembly | undefined> {
  try {
    return { template: await readTemplate(path.join(directory, `${stackName}.template.json`)), directory };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function hashOfInputs(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const input of inputs) {
    for (const file of await filesOf(path.join(root, input))) {
      hash.update(`\0${path.relative(root, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex').slice(0, 32);
}

async function filesOf(entry: string): Promise<string[]> {
  if ((await stat(entry)).isFile()) return [entry];
  const children = await readdir(entry, { recursive: true, withFileTypes: true });
  return children
    .filter((child) => child.isFile() && !child.parentPath.startsWith(import.meta.dirname))
    .map((child) => path.join(child.parentPath, child.name))
    .sort();
}

async function removeUnused(folder: string): Promise<void> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const entry = path.join(folder, name);
      // Another start may remove the same one.
      const { mtimeMs } = await stat(entry).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      return { entry, mtimeMs };
    }),
  );
  const unused = entries
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(keptCount)
    .filter(({ mtimeMs }) => mtimeMs < Date.now() - keptMs);
  await Promise.all(unused.map(({ entry }) => rm(entry, { recursive: true, force: true })));
}
