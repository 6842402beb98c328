/** Writes the version of a definition into the file in which it stands. */
import { readdir, readFile, writeFile } from 'node:fs/promises';

const folder = new URL('../../../functions/domains/', import.meta.url);

/** @returns whether a definition of that collection was found; it is named by its line `collection: '...'` */
export async function raiseVersion(collection: string, version: number): Promise<boolean> {
  const line = new RegExp(String.raw`^( *)collection: '${collection}',\n(?: *version: \d+,\n)?`, 'm');
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.ts')) continue;
    const file = new URL(name, folder);
    const text = await readFile(file, 'utf8');
    if (!line.test(text)) continue;
    const raised = text.replace(
      line,
      (_, indent: string) => `${indent}collection: '${collection}',\n${indent}version: ${version},\n`,
    );
    await writeFile(file, raised);
    return true;
  }
  return false;
}
