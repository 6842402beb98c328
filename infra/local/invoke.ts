/**
 * `npm run invoke -- <function> <event file>` runs one function with an event, in a stack of its own that takes
 * nothing else in, and prints its answer. To run it on the data of a running stack, give that stack's endpoints:
 * `AWS_ENDPOINT_URL_DYNAMODB=http://... AWS_ENDPOINT_URL_SQS=http://... npm run invoke -- relay event.json`.
 */
import { readFile } from 'node:fs/promises';
import { startBackend } from './backend.ts';
import { StartError } from './start-error.ts';
import { logToStderr } from './log.ts';

function refuse(line: string): never {
  process.stderr.write(`${line}\n`);
  process.exit(2);
}

const [functionName, file, ...more] = process.argv.slice(2);
if (functionName === undefined || file === undefined || more.length > 0) {
  refuse('usage: npm run invoke -- <function> <event file>');
}

async function readEvent(name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(name, 'utf8')) as unknown;
  } catch (error) {
    return refuse(`${name} is no event: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const event = await readEvent(file);
try {
  const backend = await startBackend({ variables: process.env, log: logToStderr });
  try {
    const { stack } = backend;
    if (!stack.functionNames.includes(functionName)) {
      process.stderr.write(
        `there is no function ${functionName}: take one of ${stack.functionNames.join(', ')}\n`,
      );
      process.exitCode = 2;
    } else {
      const invocation = await stack.invoke(functionName, event);
      const answer = invocation.ok ? invocation.payload : invocation.error;
      process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      process.exitCode = invocation.ok ? 0 : 1;
    }
  } finally {
    await backend.stop();
  }
} catch (error) {
  process.stderr.write(
    error instanceof StartError ? `${error.message}\n` : `${String((error as Error).stack)}\n`,
  );
  process.exitCode = 1;
}
