/** One line of the log: where it comes from and what it says. */
export type Log = (source: string, line: string) => void;

/** Writes to stderr, because stdout carries only what a script waits for (endpoints and the `ready` line). */
export const logToStderr: Log = (source, line) => {
  process.stderr.write(`[${source}] ${line}\n`);
};
