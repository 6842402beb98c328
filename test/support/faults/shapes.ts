/**
 * The shapes of commands. Two commands have the same shape where they make the same calls to AWS, write the same kinds
 * of items and end alike: a fault at one of these calls meets the same code in both. So `npm test` brings every fault
 * to one command of each shape. Shapes come from recorded calls: a new domain whose command has a new shape is met
 * without a line here.
 */
import pMap from 'p-map';
import type { CommandCase } from './commands.ts';
import { startLab } from './lab.ts';
import { runCase } from './matrix.ts';
import { kindOf } from './mutants.ts';
import type { TransactItem } from './mutants.ts';

/** One call, as it was made. */
export interface Call {
  /** E.g. `TransactWriteItemsCommand`. */
  readonly command: string;
  /** What a transaction writes, e.g. `entity Update`; nothing for other calls. */
  readonly writes: readonly string[];
}

/** What a case does where nothing fails. */
export interface Recording {
  readonly command: CommandCase;
  /** Who starts it. */
  readonly by: 'request' | 'timer';
  readonly calls: readonly Call[];
  /** Status and code of the answer, or what the timer said. */
  readonly end: string;
}

/** How many items of a kind a transaction writes does not count: three messages fail as one does. */
export function shapeOf({ by, calls, end }: Recording): string {
  const told = calls.map(({ command, writes }) => [command, ...[...new Set(writes)].toSorted()]);
  return JSON.stringify([by, told, end]);
}

/** The first case of each shape, in the order of the list. */
export function oneOfEachShape(recordings: readonly Recording[]): readonly CommandCase[] {
  const byShape = new Map<string, CommandCase>();
  for (const recording of recordings) {
    const shape = shapeOf(recording);
    if (!byShape.has(shape)) byShape.set(shape, recording.command);
  }
  return [...byShape.values()];
}

/** Runs each case once without faults, and writes down what it does. */
export async function recordAll(cases: readonly CommandCase[]): Promise<readonly Recording[]> {
  const lab = await startLab({ checksChanges: false });
  try {
    return await pMap(
      cases,
      async (command) => {
        const calls: Call[] = [];
        const { by, end } = await runCase(lab, command, {
          what: 'recorded',
          watch: (client) => {
            recordCalls(client, calls);
          },
        });
        return { command, by, calls, end };
      },
      { concurrency: 12 },
    );
  } finally {
    await lab.stop();
  }
}

interface Client {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { input: object }) => Promise<unknown>,
        context: { commandName?: string },
      ) => (args: { input: object }) => Promise<unknown>,
      options: { step: 'initialize'; name: string },
    ): void;
  };
}

function recordCalls(client: unknown, calls: Call[]): void {
  (client as Client).middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const { TransactItems: items = [] } = args.input as { TransactItems?: readonly TransactItem[] };
        const writes = items.map((item) => `${kindOf(item)} ${Object.keys(item).join()}`);
        calls.push({ command: commandName, writes });
        return next(args);
      },
    { step: 'initialize', name: 'record-calls' },
  );
}
