import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

/** The text of a file that a command writes, in the form that the project's formatter leaves alone. */
export const formatted = async (file: URL, text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(file)), filepath: fileURLToPath(file) });
