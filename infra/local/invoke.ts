/**
 * `npm run invoke -- <function> <event file>` runs one function with an event, in a stack of its own that takes
 * nothing else in, and prints its answer. To run it on the data of a running stack, give that stack's endpoints:
 * `AWS_ENDPOINT_URL_DYNAMODB=http://... AWS_ENDPOINT_URL_SQS=http://... npm run invoke -- relay event.json`.
 * Exit code: 0 where it answered, 1 where it failed.
 */
import { readFile } from 'node:fs/promises';
import { startBackend } from './backend.ts';
import { runCommand, UsageError } from './command-line.ts';
import { logToStderr } from './log.ts';

async function readEvent(name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(name, 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`${name} is no event: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await runCommand({
  usage: 'usage: npm run invoke -- <function> <event file>',
  flags: {},
  takesWords: true,
  run: async (_flags, [functionName, file, ...more]) => {
    if (functionName === undefined || file === undefined || more.length > 0) throw new UsageError('');
    const event = await readEvent(file);
    const backend = await startBackend({ variables: process.env, log: logToStderr });
    try {
      const { stack } = backend;
      const names = stack.functions.map(({ name }) => name);
      if (!names.includes(functionName))
        throw new UsageError(`there is no function ${functionName}: take one of ${names.join(', ')}`);
      const invocation = await stack.invoke(functionName, event);
      const answer = invocation.ok ? invocation.payload : invocation.error;
      process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      return invocation.ok ? 0 : 1;
    } finally {
      await backend.stop();
    }
  },
});
