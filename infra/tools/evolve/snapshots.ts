/** The snapshots of the definitions that are live: one file a domain, checked in. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Snapshot } from '../../../functions/evolution/snapshot.ts';

const folder = new URL('snapshots/', import.meta.url);
const fileOf = (collection: string): URL => new URL(`${collection}.json`, folder);

export async function readSnapshots(): Promise<readonly Snapshot[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Snapshot),
  );
}

export async function writeSnapshot(snapshot: Snapshot): Promise<void> {
  await writeFile(fileOf(snapshot.collection), `${JSON.stringify(snapshot, undefined, 2)}\n`);
}

export const removeSnapshot = ({ collection }: Snapshot): Promise<void> => rm(fileOf(collection));
