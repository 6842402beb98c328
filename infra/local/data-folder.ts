import { access, chmod, constants, mkdir, readdir } from 'node:fs/promises';
import { StartError } from './start-error.ts';

/** The file in which DynamoDB Local keeps a shared database: a folder that holds it is ours. */
const databaseFile = 'shared-local-instance.db';
const forOwnerAlone = 0o700;

/**
 * Makes the folder of `DATA_DIR`, or takes the one that is there. What lies in it (payloads, mails with the codes of
 * invites) is for its user alone, so a folder that is empty or ours is closed to others. One that holds other
 * things keeps its permissions: others may need those, and all that we write there is closed by itself.
 * @throws StartError where it is no folder to write to
 */
export async function provideDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: forOwnerAlone });
    await access(folder, constants.W_OK);
    const names = await readdir(folder);
    if (names.length === 0 || names.includes(databaseFile)) await chmod(folder, forOwnerAlone);
  } catch (error) {
    throw new StartError(`DATA_DIR ${folder} is no folder to write to (${(error as Error).message})`);
  }
}
