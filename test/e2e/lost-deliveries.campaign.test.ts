/**
 * The worst day of the way out, on the whole stack and in real time (some six minutes): under load the streams are
 * dropped with all that is in them, and every queue is purged. Every message ends done and every hold runs out,
 * without a hand (G9).
 */
import { DynamoDBClient, ListTablesCommand, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, test, vi } from 'vitest';
import { sweep } from '../../functions/runtime/delivery-limits.ts';
import { httpCaller } from '../support/http-caller.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startReceiver } from '../support/receivers.ts';
import { startBackendProcess } from '../support/started-backend.ts';

const payments = 200;
const holds = 20;
/** Long enough that none runs out before the timers' stream is gone. */
const holdSeconds = 60;
/** The grace of the sweeper, its minute, and as much again for the work. */
const roundMs = (2 * sweep.graceSeconds + 120) * 1_000;
const until = { timeout: roundMs, interval: 1_000 };
/** A receipt is mailed once its capture is answered, and then waits for the sweeper in its turn. */
const untilBoth = { ...until, timeout: 2 * roundMs };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Switching a stream off drops it with all its records; the mappings go on asking for the one they knew. */
async function dropStreams(endpoint: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: localRegion, credentials: localCredentials });
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  for (const TableName of TableNames.filter((name) => /data|outbox/i.test(name))) {
    await client.send(new UpdateTableCommand({ TableName, StreamSpecification: { StreamEnabled: false } }));
  }
  client.destroy();
}

async function purgeQueues(endpoint: string): Promise<void> {
  const client = new SQSClient({ endpoint, region: localRegion, credentials: localCredentials });
  const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
  expect(QueueUrls.length).toBeGreaterThan(5);
  for (const QueueUrl of QueueUrls) await client.send(new PurgeQueueCommand({ QueueUrl }));
  client.destroy();
}

test('every message ends done after the streams were dropped and the queues purged under load', async () => {
  const receiver = await startReceiver();
  stops.push(() => receiver.stop());
  const backend = await startBackendProcess({ variables: { EXTERNAL_CALL_URL: receiver.url } });
  stops.push(() => backend.stop());
  const { post, get } = await httpCaller(backend, 'acme');
  const { id: showing } = await post('/v1/showings', { title: 'Evening show', capacity: holds });
  const confirmed: string[] = [];
  const pay = async (): Promise<void> => {
    const { id } = await post('/v1/payments', { payer: 'ada', payee: 'shop', amount: 1, currency: 'EUR' });
    await post(`/v1/payments/${String(id)}/confirm`);
    confirmed.push(String(id));
  };
  const load = async (): Promise<void> => {
    while (confirmed.length < payments) await pay();
  };
  const working = Promise.all(Array.from({ length: 8 }, load));
  const held = await Promise.all(
    Array.from({ length: holds }, () =>
      post('/v1/reservations', { showingId: showing, customer: 'ada', holdSeconds }),
    ),
  );
  await vi.waitFor(() => {
    expect(confirmed.length).toBeGreaterThan(payments / 4);
  }, until);
  await dropStreams(backend.endpoints['dynamodb'] ?? '');
  await purgeQueues(backend.endpoints['sqs'] ?? '');
  await working;

  const open = async (status: string): Promise<readonly unknown[]> =>
    (await get(`/v1/messages?status=${status}&limit=100`))['items'] as readonly unknown[];
  // Most were lost: that they arrive is the sweeper's work.
  expect((await open('pending')).length).toBeGreaterThan(50);
  await vi.waitFor(async () => {
    expect([...(await open('pending')), ...(await open('sent')), ...(await open('dead'))]).toEqual([]);
  }, untilBoth);
  const keys = receiver.calls.map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(confirmed.length);

  await vi.waitFor(async () => {
    const statuses = await Promise.all(held.map(({ id }) => get(`/v1/reservations/${String(id)}`)));
    expect(statuses.map(({ status }) => status)).toEqual(held.map(() => 'expired'));
  }, until);
  expect(await get(`/v1/showings/${String(showing)}`)).toMatchObject({ remaining: holds });
});
