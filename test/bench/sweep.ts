/**
 * `npm run bench:sweep -- --messages 100000`: how long the sweeper takes to send again what the relay, or a queue, has
 * lost: to the sweeper that is the same. Each run has the time of its function and begins when the one before ends; on AWS one begins each minute. In one
 * process, on DynamoDB Local and the embedded SQS server, so all share this machine's processors.
 */
import { parseArgs } from 'node:util';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { createSweeper } from '../../functions/outbox/sweep.ts';
import { sweeperFunction } from '../../functions/runtime/limits.ts';
import { createSendingClient } from '../../functions/runtime/queue-client.ts';
import { topics } from '../../functions/runtime/topics.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import { putAll } from '../../functions/store/batches.ts';
import { startSqsServer } from '../../infra/local/sqs.ts';
import { emptyStore, local, withDatabase } from '../../infra/tools/explain/workbench.ts';
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { madeMessage } from '../support/messages.ts';

const nothing = (): void => undefined;
const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const { values } = parseArgs({ options: { messages: { type: 'string', default: '100000' } } });
const messages = Number(values.messages);
const tenants = 200;
const ageMs = 150_000;
const now = Date.now();
/** It stands still: nobody takes what is sent here, so with time it would be sent once more. */
const clock = { now: () => now };

/** Progress, beside the result. */
const told = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Messages of one topic, as commands left them two and a half minutes ago. */
async function fill({ backend }: Workbench): Promise<void> {
  const { client, tables } = backend.store;
  const batches = Array.from({ length: Math.ceil(messages / 25) }, (_, batch) =>
    Array.from({ length: Math.min(25, messages - batch * 25) }, (__, n) => {
      const message = madeMessage(now - ageMs, {
        tenant: `tenant-${(batch * 25 + n) % tenants}`,
        payload: { type: 'payment.capture', data: { amount: 1_250, currency: 'EUR' } },
      });
      return { ...message };
    }),
  );
  let written = 0;
  const put = async (batch: (typeof batches)[number]): Promise<void> => {
    await putAll(client, tables.outbox, batch);
    written += batch.length;
    if (written % 5_000 === 0) told(`${written} of ${messages} written`);
  };
  await pMap(batches, put, { concurrency: 8 });
}

async function queues(sqs: SQSClient): Promise<Record<Topic | 'timer', string>> {
  const made = await pMap([...topics, 'timer'], async (name) => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    return [name, QueueUrl] as const;
  });
  return Object.fromEntries(made) as Record<Topic | 'timer', string>;
}

async function measure(endpoint: string): Promise<void> {
  // DynamoDB Local holds its breath now and then, with so many items. On AWS the run of the next minute would go on.
  const client = { endpoint, ...local, requestHandler: { requestTimeout: 60_000 } };
  const bench = await emptyStore(endpoint, { recorded: false, clock, client });
  const server = await startSqsServer(local.region);
  const sqs = createSendingClient({ ...local, endpoint: server.endpoint });
  await fill(bench);
  const { timer, ...queueUrls } = await queues(sqs);
  const { store } = bench.backend;
  const sweep = createSweeper({
    client: store.client,
    sqs,
    clock,
    tables: store.tables,
    queueUrls,
    timerQueueUrl: timer,
    log: silent,
  });
  const began = performance.now();
  const runs: { sent: number; seconds: number }[] = [];
  for (let more = true; more;) {
    const begin = performance.now();
    const end = begin + sweeperFunction.timeoutSeconds * 1_000;
    const report = await sweep({}, { getRemainingTimeInMillis: () => end - performance.now() });
    const sent = report.sent['external-call'] ?? 0;
    runs.push({ sent, seconds: (performance.now() - begin) / 1_000 });
    told(`run ${runs.length} sent ${sent}`);
    more = report.more;
  }
  const seconds = (performance.now() - began) / 1_000;
  const total = runs.reduce((sum, { sent }) => sum + sent, 0);
  process.stdout.write(
    `${total} of ${messages} sent again in ${seconds.toFixed(1)} s, ` +
      `${(total / seconds).toFixed(0)} a second, in ${runs.length} runs ` +
      `(${runs.map((run) => `${run.sent} in ${run.seconds.toFixed(0)} s`).join(', ')})\n`,
  );
  sqs.destroy();
  await server.stop();
  bench.close();
}

// The warning is for those who deploy; the functions on AWS run on a newer Node.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
await withDatabase(measure);
