/**
 * How fast a handler could be at most: its requests to the database, sent by the SDK with nothing before, between or after
 * them. Each command is run once on a database where nothing is measured, and what it sends there is noted. The database
 * that is measured gets the same.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TransactWriteCommand, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { createBackend } from '../../functions/commands/backend.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { createTables } from '../../functions/store/create-tables.ts';
import { startDynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { local } from '../../infra/tools/explain/workbench.ts';
import type { Answer, Command } from './load.ts';
import { sendToOurs } from './sides.ts';
import type { Side } from './sides.ts';

/** A command of the SDK. One can be sent once, so the same is made anew. */
interface Sent {
  readonly input: TransactWriteCommandInput;
  readonly constructor: new (input: TransactWriteCommandInput) => TransactWriteCommand;
}

interface Noted {
  readonly requests: readonly (() => Promise<unknown>)[];
  readonly answer: Answer;
}

/** A side that sends what our handler would send for a command, and answers what it has answered. */
export async function requestsAlone(domains: readonly Domain[]): Promise<Side> {
  const databases = await Promise.all([startDynamoDbLocal(), startDynamoDbLocal()]);
  const [noting, measured] = databases.map(({ endpoint }) => createDocumentClient({ endpoint, ...local }));
  if (noting === undefined || measured === undefined) throw new Error('there are two databases');
  const tables = await createTables(noting, 'bench');
  await createTables(measured, 'bench');
  const backend = createBackend({ domains, store: { client: noting, tables }, clock: systemClock });
  const handle = sendToOurs(backend);

  /** Of the command that is run, since several are at once. */
  const notes = new AsyncLocalStorage<(() => Promise<unknown>)[]>();
  const send = noting.send.bind(noting) as unknown as (command: Sent, options?: unknown) => Promise<unknown>;
  Object.assign(noting, {
    send: (command: Sent, options?: unknown) => {
      const { constructor: Same, input } = command;
      notes.getStore()?.push(() => measured.send(new Same(input)));
      return send(command, options);
    },
  });
  const noted = new Map<string, Noted>();
  const note = async (command: Command): Promise<Noted> => {
    const requests: (() => Promise<unknown>)[] = [];
    const answer = await notes.run(requests, () => handle(command));
    const all = { requests, answer };
    noted.set(command.key, all);
    return all;
  };
  return {
    name: 'its requests alone',
    prepare: async ({ count, callers, command }) => {
      const commands = Array.from({ length: count }, (_, n) => command(n));
      for (const each of commands) await note(each);
      return { count, callers, command: (n) => commands[n] ?? command(n) };
    },
    send: async (command) => {
      const { requests: sent, answer } = noted.get(command.key) ?? (await note(command));
      for (const request of sent) await request();
      return answer;
    },
    stop: async () => {
      for (const client of [noting, measured]) client.destroy();
      await Promise.all(databases.map((database) => database.stop()));
    },
  };
}
