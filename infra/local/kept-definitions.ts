import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { domains } from '../../functions/application.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { differences, isRefused, told, type Difference } from '../../functions/evolution/differences.ts';
import { snapshotOf, type Snapshot } from '../../functions/evolution/snapshot.ts';
import type { Log } from './log.ts';
import { StartError } from './start-error.ts';

/** The definitions that a data folder was last used with. */
const fileOf = (folder: string): string => path.join(folder, 'definitions.json');

/**
 * Says how the definitions differ from those that the data of a folder was last used with, and what that means for it.
 * @param options.evolve `anyway` goes on with what is refused, too
 * @returns what notes, once the backend has started, that these are the definitions from now on
 * @throws StartError where a change would break what lives there
 */
export async function compareWithKept(
  folder: string,
  options: { readonly evolve: string | undefined; readonly log: Log; readonly code?: readonly Domain[] },
): Promise<() => Promise<void>> {
  const { evolve, log, code = domains } = options;
  const kept = await readKept(folder);
  const found = kept ? differences(code, kept).filter(({ changes }) => changes.length > 0) : [];
  if (found.some(isRefused) && evolve !== 'anyway') {
    throw new StartError(
      [
        `DATA_DIR ${folder} holds data of other definitions:`,
        ...found.map(summary),
        'EVOLVE=anyway starts all the same; an empty DATA_DIR starts afresh.',
      ].join('\n'),
    );
  }
  for (const difference of found) log('evolve', summary(difference));
  return () => writeFile(fileOf(folder), `${JSON.stringify(code.map(snapshotOf), undefined, 2)}\n`);
}

const summary = ({ collection, changes }: Difference): string =>
  [collection, ...changes.map(told)].join('\n');

/** @returns `undefined` where the folder was not used yet */
async function readKept(folder: string): Promise<readonly Snapshot[] | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(folder), 'utf8')) as readonly Snapshot[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${fileOf(folder)} cannot be read (${(error as Error).message})`);
  }
}
