/**
 * What keeps `npm start` from starting is said in one line: a `StartError`, whose message is all that is printed.
 * `test/e2e/start.e2e.test.ts` shows the printing.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { payments } from '../../functions/domains/payments.ts';
import { snapshotOf } from '../../functions/evolution/snapshot.ts';
import { startBackend } from '../../infra/local/backend.ts';
import { startHttpReceiver } from '../../infra/local/receivers/http-receiver.ts';
import { StartError } from '../../infra/local/start-error.ts';
import { provideTable } from '../../infra/local/tables.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'start-refusals-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The message of the refusal. A backend that starts all the same is stopped, and the test fails. */
async function refusal(variables: Readonly<Record<string, string>>): Promise<string> {
  const error: unknown = await startBackend({ variables, port: 0, log: () => undefined }).then(
    (backend) => backend.stop(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

test.each([
  ['that nobody answers', 'AWS_ENDPOINT_URL', 'http://127.0.0.1:9'],
  ['of a service that nobody answers', 'AWS_ENDPOINT_URL_SQS', 'http://127.0.0.1:9'],
  ['that is no URL', 'AWS_ENDPOINT_URL_DYNAMODB', '127.0.0.1:9'],
])('an endpoint %s', async (_case, name, endpoint) => {
  expect(await refusal({ [name]: endpoint })).toMatch(new RegExp(`^${name}[^\n]*${endpoint}[^\n]*$`));
});

// The first of them synthesizes the stack where no start has done so yet.
test.each([
  ['SQS', 'AWS_ENDPOINT_URL_SQS', 500, '{"__type":"InternalFailure"}'],
  ['SQS', 'AWS_ENDPOINT_URL', 502, '<html>'],
  ['DynamoDB', 'AWS_ENDPOINT_URL_DYNAMODB', 500, ''],
  ['DynamoDB', 'AWS_ENDPOINT_URL_DYNAMODB', 200, '<html>no such page</html>'],
])('a server of %s at %s that answers %i %s', { timeout: 300_000 }, async (_service, name, status, text) => {
  const server = await startHttpReceiver((_request, _body, response) => {
    response.writeHead(status).end(text);
  });
  const message = await refusal({
    AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodbEndpoint'),
    [name]: server.url,
  });
  await server.stop();
  expect(message).toMatch(new RegExp(`^${name}[^\n]*${server.url}[^\n]*$`));
});

test.each(['SMTP_URL', 'EXTERNAL_CALL_URL', 'MAIL_FROM'])('a setting nobody can read: %s', async (name) => {
  expect(await refusal({ [name]: 'nope' })).toMatch(new RegExp(`^[^\n]*${name}[^\n]*$`));
});

test('a data folder that is a file', async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  expect(await refusal({ DATA_DIR: file })).toMatch(/^[^\n]*DATA_DIR[^\n]*$/);
});

test('data that definitions of before have left, which these would break', async () => {
  const used = await mkdtemp(path.join(folder, 'used-'));
  const gone = { ...snapshotOf(payments), collection: 'loans' };
  await writeFile(path.join(used, 'definitions.json'), JSON.stringify([gone]));
  expect(await refusal({ DATA_DIR: used })).toMatch(
    /DATA_DIR[^\n]*\n[^]*\nloans\n {2}REFUSED[^]*EVOLVE=anyway/,
  );
});

test('a table that another version made, without an index of today', async () => {
  const client = new DynamoDBClient({
    endpoint: inject('dynamodbEndpoint'),
    region: localRegion,
    credentials: localCredentials,
  });
  const key = (name: string): object => [{ AttributeName: name, KeyType: 'HASH' }];
  const table = {
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: key('pk'),
  };
  const name = `start-refusals-${randomUUID()}`;
  expect((await provideTable(client, name, table)).existed).toBe(false);
  expect((await provideTable(client, name, table)).existed).toBe(true);
  const today = {
    ...table,
    AttributeDefinitions: ['pk', 'openPk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    GlobalSecondaryIndexes: [
      { IndexName: 'open', KeySchema: key('openPk'), Projection: { ProjectionType: 'KEYS_ONLY' } },
    ],
  };
  await expect(provideTable(client, name, today)).rejects.toThrow(
    new StartError(
      `table ${name} was made by another version: it has no index open. An empty DATA_DIR starts afresh.`,
    ),
  );
  await client.send(new DeleteTableCommand({ TableName: name }));
  client.destroy();
});
