/**
 * `npm start`: the whole backend on one machine. stdout carries the endpoints and then one line that begins with
 * `ready http://`; the log goes to stderr.
 */
import { readPort, startBackend, type Backend } from './backend.ts';
import { StartError } from './start-error.ts';
import { logToStderr } from './log.ts';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** How often a start by npm looks whether npm is still there. */
const parentCheckMs = 500;

const ending = new AbortController();
let stopping: Promise<void> | undefined;
let backend: Promise<Backend> | undefined;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stop(): Promise<void> {
  ending.abort();
  stopping ??= (async () => {
    const started = await backend?.catch(() => undefined);
    await started?.stop();
    process.exit(0);
  })();
  return stopping;
}

/** A shell between npm and this process may end at a signal without passing it on: then npm is gone, and so go we. */
function stopWithParent(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void stop();
  }, parentCheckMs).unref();
}

for (const signal of stopSignals) process.on(signal, () => void stop());
stopWithParent();
// A reader of stdout that went away is no reason to end.
process.stdout.on('error', () => undefined);

try {
  backend = startBackend({
    variables: process.env,
    port: readPort(process.env['PORT']),
    log: logToStderr,
    signal: ending.signal,
    onServices: (services) => {
      print(`dynamodb ${services.dynamodbEndpoint}`);
      print(`sqs ${services.sqsEndpoint}`);
      for (const [name, url] of Object.entries(services.receivers)) print(`${name} ${url}`);
    },
  });
  const { stack } = await backend;
  if (stopping === undefined) print(`ready ${stack.url ?? ''}`);
} catch (error) {
  // A signal to the whole group may have ended a child that the start still needed; then the stop has the word.
  await stopping;
  process.stderr.write(
    error instanceof StartError ? `${error.message}\n` : `${String((error as Error).stack)}\n`,
  );
  process.exit(1);
}
