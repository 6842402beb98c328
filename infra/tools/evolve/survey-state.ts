/** How far a survey has come, in a file, so that one that was stopped goes on from there. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { UsageError } from '../../local/command-line.ts';
import { nothingSeen } from './survey.ts';
import type { Survey } from './survey.ts';

interface State {
  readonly table: string;
  readonly survey: Survey;
}

/** @throws where the file is of another table */
export async function readState(file: string | undefined, table: string): Promise<Survey> {
  if (file === undefined) return nothingSeen;
  try {
    const state = JSON.parse(await readFile(file, 'utf8')) as State;
    if (state.table !== table) throw new UsageError(`${file} is of the table ${state.table}`);
    return state.survey;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return nothingSeen;
    throw error;
  }
}

/** After each page; at the end there is nothing to go on with. A process that dies meanwhile leaves the one before. */
export async function writeState(file: string | undefined, table: string, survey: Survey): Promise<void> {
  if (file === undefined) return;
  if (!survey.next) {
    await rm(file, { force: true });
    return;
  }
  await writeFile(`${file}.new`, JSON.stringify({ table, survey } satisfies State));
  await rename(`${file}.new`, file);
}
