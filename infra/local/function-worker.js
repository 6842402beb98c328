/**
 * One execution environment of a Lambda function, inside a worker thread. Plain JavaScript, because a dozen of
 * these start at once and none should wait for a compiler.
 *
 * In: { id, event, context }. Out: { id, payload } or { id, error }, once { loaded: true }, and { party, waiting } where an
 * invocation begins (1) or ends (-1) to wait for another one (`functions/runtime/waits.ts`).
 */
import { subscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const module = await import(pathToFileURL(workerData.file).href);
const handler = module[workerData.exportName];
if (typeof handler !== 'function') {
  throw new Error(`${workerData.file} does not export a function named ${workerData.exportName}`);
}

parentPort.on('message', async ({ id, event, context }) => {
  const deadline = Date.now() + context.timeoutMs;
  try {
    const result = await handler(JSON.parse(event), {
      ...context.fields,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    });
    // What Lambda does with an answer: it becomes JSON, and an absent one `null`.
    parentPort.postMessage({ id, payload: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    parentPort.postMessage({
      id,
      error: {
        errorType: error?.name ?? 'Error',
        errorMessage: error?.message ?? String(error),
        trace: String(error?.stack ?? '').split('\n'),
      },
    });
  }
});

subscribe('commit-once.waits', ({ tenant, change }) => {
  parentPort.postMessage({ party: tenant, waiting: change });
});

parentPort.postMessage({ loaded: true });
