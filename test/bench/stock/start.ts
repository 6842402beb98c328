/**
 * The stock pattern whole on one machine: the same gateway, tokens, worker threads, stream reader and database as
 * `npm start`. Prints `ready http://...` when it serves. `RECEIVER_URL` is where its calls go.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { SQSClient } from '@aws-sdk/client-sqs';
import { build } from 'esbuild';
import { bundleOptions } from '../../../infra/cdk/bundle.ts';
import { Doorbell } from '../../../infra/local/doorbell.ts';
import { startDynamoDbLocal } from '../../../infra/local/dynamodb.ts';
import { startGateway } from '../../../infra/local/gateway.ts';
import { createJwtAuthorizer } from '../../../infra/local/jwt-authorizer.ts';
import { LambdaFunction } from '../../../infra/local/lambda-function.ts';
import { startStreamMapping } from '../../../infra/local/stream-mapping.ts';
import { localAudience, localIssuer, publicKeys, readTokenKey } from '../../../infra/local/token-key.ts';
import { local } from '../../../infra/tools/explain/workbench.ts';
import { createStockTables } from './tables.ts';

const accountId = '000000000000';
const folder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-stock-'));
const log = (source: string, line: string): void => {
  process.stderr.write(`[${source}] ${line}\n`);
};

await build({
  entryPoints: [path.join(import.meta.dirname, 'functions.ts')],
  outfile: path.join(folder, 'index.mjs'),
  ...bundleOptions,
});

const database = await startDynamoDbLocal();
const connection = { endpoint: database.endpoint, ...local };
const client = new DynamoDBClient(connection);
const streams = new DynamoDBStreamsClient(connection);
const streamArn = await createStockTables(client);
const named = (name: 'api' | 'worker'): LambdaFunction =>
  new LambdaFunction(
    {
      name,
      arn: `arn:aws:lambda:${local.region}:${accountId}:function:${name}`,
      file: path.join(folder, 'index.mjs'),
      exportName: name,
      timeoutSeconds: 29,
      memoryMb: 1_024,
      environment: {
        AWS_REGION: local.region,
        AWS_ACCESS_KEY_ID: local.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: local.credentials.secretAccessKey,
        AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        RECEIVER_URL: process.env['RECEIVER_URL'] ?? '',
      },
    },
    log,
  );
const [api, worker] = [named('api'), named('worker')];
await Promise.all([api.start(), worker.start()]);
const news = new Doorbell();
const mapping = await startStreamMapping({
  streams,
  getRecords: database.getRecords,
  news,
  // Only for what is given up, and here nothing is: it is tried for ever.
  sqs: new SQSClient(connection),
  streamArn,
  region: local.region,
  target: worker,
  properties: { StartingPosition: 'TRIM_HORIZON', FunctionResponseTypes: ['ReportBatchItemFailures'] },
  queueUrlByArn: () => undefined,
  log,
});
const authorizer = createJwtAuthorizer(publicKeys(await readTokenKey()), {
  issuer: localIssuer,
  audience: [localAudience],
});
const gateway = await startGateway(
  [{ key: 'ANY /v1/{proxy+}', target: api, authorizer, scopes: ['commands'] }],
  {
    port: 0,
    accountId,
    log,
    onCommand: () => {
      news.ring();
    },
  },
);
process.stdout.write(`ready ${gateway.url}\n`);

process.once('SIGTERM', () => {
  void (async () => {
    await gateway.stop(1_000);
    await mapping.stop();
    await Promise.all([api.stop(1_000), worker.stop(1_000)]);
    await database.stop();
    await rm(folder, { recursive: true });
    process.exit(0);
  })();
});
