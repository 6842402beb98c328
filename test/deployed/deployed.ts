/**
 * `npm run test:deployed`: the stacks of `localstack` and `dev`, deployed by the CDK to a server on this machine that
 * runs their functions. Each is tested through the URL of its API, deployed a second time, where nothing may change,
 * and destroyed; both at once, since much of each is waiting. Exit code 75 where the server cannot be had: no Python, or no package.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { runWherePossible, step } from '../support/python-environment.ts';
import { startMailServer, startReceiver, status, type TestReceiver } from '../support/receivers.ts';
import { target, type Target } from '../support/target.ts';
import { installMinistack, startMinistack } from './ministack.ts';
import { bootstrap, devStage, localstackStage, type DeployedStage, type Receivers } from './stages.ts';

/** Two processors run the server, the functions and everything else. */
const patienceMs = 120_000;

const began = performance.now();

interface Clients {
  readonly stacks: CloudFormationClient;
  readonly tables: DynamoDBClient;
}

async function testStage(
  make: (receivers: Receivers) => DeployedStage | Promise<DeployedStage>,
  clients: Clients,
): Promise<void> {
  const [receiver, mails] = await Promise.all([startReceiver(), startMailServer()]);
  const stage = await make({ url: receiver.url, smtpUrl: mails.url });
  try {
    await testThrough(stage, clients, receiver);
  } finally {
    stage.stop();
    await Promise.all([receiver.stop(), mails.stop()]);
  }
}

async function testThrough(stage: DeployedStage, clients: Clients, receiver: TestReceiver): Promise<void> {
  const { name } = stage;
  const stack = `commit-once-${name}`;
  await step(`${name}: deployed`, () => stage.deploy());
  await step(`${name}: end-to-end tests`, () => stage.test());
  await step(`${name}: a dead letter redriven`, async () => {
    const { url, token } = await stage.reach('redrive');
    await redriveDeadLetter(target(url, token), receiver);
  });
  await step(`${name}: deployed again, nothing changed`, async () => {
    const before = await events(clients, stack);
    assert.ok(before > 0);
    await stage.deploy();
    assert.equal(await events(clients, stack), before);
  });
  const { DataTable = '', OutboxTable = '', IdempotencyTable = '' } = await stage.outputs();
  await step(`${name}: destroyed`, () => stage.destroy());
  await assert.rejects(clients.stacks.send(new DescribeStacksCommand({ StackName: stack })), {
    name: 'ValidationError',
  });
  const { TableNames = [] } = await clients.tables.send(new ListTablesCommand({}));
  const left = [DataTable, OutboxTable, IdempotencyTable].map((table) => TableNames.includes(table));
  assert.deepEqual(left, name === 'dev' ? [true, true, false] : [false, false, false]);
}

/** What CloudFormation did to the stack so far: a deployment that changes nothing adds no event. */
async function events({ stacks }: Clients, StackName: string): Promise<number> {
  let count = 0;
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client: stacks }, { StackName })) {
    count += StackEvents.length;
  }
  return count;
}

/** A receiver that is down until every attempt is used up, then well: the message is redriven and done, under one key. */
async function redriveDeadLetter(api: Target, receiver: TestReceiver): Promise<void> {
  receiver.answer = status(503);
  const body = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };
  const payment = String((await api.post('/v1/payments', body)).headers.get('location'));
  assert.equal((await api.post(`${payment}/confirm`)).status, 200);
  const id = await callOf(api, payment, 'dead');
  receiver.answer = status(200);
  assert.equal((await api.post(`/v1/messages/${id}/redrive`)).status, 202);
  assert.equal(await callOf(api, payment, 'done'), id);
  // What the end-to-end tests left open still asks the receiver, too.
  const paymentId = payment.split('/').at(-1) ?? '';
  const calls = receiver.calls.filter(
    ({ method, body: sent }) => method === 'POST' && sent.includes(paymentId),
  );
  const keys = calls.map(({ headers }) => headers['idempotency-key']);
  assert.ok(keys.length > 1);
  assert.deepEqual(new Set(keys), new Set([id]));
}

/** Waits until the payment's outbound call has the status. @returns the message's id */
async function callOf(api: Target, payment: string, wanted: string): Promise<string> {
  const until = Date.now() + patienceMs;
  for (;;) {
    const { json } = await api.get(`${payment}/messages`);
    const messages = json['items'] as { id: string; topic: string; status: string }[];
    const call = messages.find(({ topic }) => topic === 'external-call');
    assert.ok(call);
    if (call.status === wanted) return call.id;
    assert.ok(Date.now() < until, `${call.id} is ${call.status}, not ${wanted}`);
    await sleep(250);
  }
}

async function testAll(python: string): Promise<void> {
  const server = await startMinistack(python);
  const folder = await mkdtemp(path.join(tmpdir(), 'commit-once-deployed-'));
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void stop().finally(() => process.exit(1));
    });
  }
  const setting = { endpoint: server.url, region: localRegion, credentials: localCredentials };
  const clients = { stacks: new CloudFormationClient(setting), tables: new DynamoDBClient(setting) };
  try {
    await step('account bootstrapped', () => bootstrap(server.url));
    const ends = await Promise.allSettled([
      testStage((receivers) => localstackStage(server.url, receivers), clients),
      testStage((receivers) => devStage(server.url, receivers, folder), clients),
    ]);
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
  } catch (error) {
    const log = (await server.log()).split('\n').slice(-40).join('\n');
    process.stderr.write(`the last lines of the server:\n${log}\n`);
    throw error;
  } finally {
    await stop();
  }
}

await runWherePossible('test:deployed', 'ministack', async () => {
  await testAll(await step('ministack installed', installMinistack));
  process.stdout.write(
    `deployed, tested and destroyed in ${((performance.now() - began) / 1000).toFixed(0)} s\n`,
  );
});
