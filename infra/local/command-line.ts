/** The command lines of all tools: read in one way, refused in one way. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { StartError } from './start-error.ts';

/** What is wrong with a command line. Its message is shown, and below it how the command is used. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Flags = NonNullable<ParseArgsConfig['options']>;
/** The values of flags, by their names: those that were given, and those that have a default. */
export type ValuesOf<F extends Flags> = ReturnType<typeof parseArgs<{ readonly options: F }>>['values'];

export interface Command<F extends Flags> {
  /** Begins with `usage: `. `--help` prints it. */
  readonly usage: string;
  readonly flags: F;
  /** Whether it takes words that are no flags. */
  readonly takesWords?: boolean;
  /** @returns the exit code */
  readonly run: (flags: ValuesOf<F>, words: readonly string[]) => Promise<number> | number;
}

/** Reads flags and words. @throws UsageError */
export function readFlags<F extends Flags>(
  { flags, takesWords = false }: Pick<Command<F>, 'flags' | 'takesWords'>,
  args: readonly string[] = process.argv.slice(2),
): { readonly values: ValuesOf<F>; readonly words: readonly string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options: flags, allowPositionals: takesWords });
    return { values: parsed.values, words: parsed.positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Runs a tool. Exit code: its own, or 2 where it could not begin, with one line on stderr that says why. */
export async function runCommand<F extends Flags>(command: Command<F>): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${command.usage}\n`);
    return;
  }
  // The warning is for those who deploy; the functions on AWS run on a newer Node.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  try {
    const { values, words } = readFlags(command);
    process.exitCode = await command.run(values, words);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof StartError)) throw error;
    const lines = [error.message, ...(error instanceof UsageError ? [command.usage] : [])];
    process.stderr.write(`${lines.filter((line) => line !== '').join('\n')}\n`);
    process.exitCode = 2;
  }
}

/** A number in its range. @throws UsageError that names the flag */
export function numberWithin(flag: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= minimum && value <= maximum) return value;
  throw new UsageError(`--${flag} is a number from ${minimum} to ${maximum}`);
}
