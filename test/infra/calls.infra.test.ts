import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { entries, type FunctionName } from '../../infra/cdk/bundle.ts';
import { allowed } from './allowed-actions.ts';
import { newOutdir, readable, resources } from './built-stack.ts';

/**
 * Compares what the code of each function calls with what its role allows, action by action (not table by table):
 * a call without its permission would fail on AWS only, and a permission without its call is one too many.
 */

const actionOf: Readonly<Record<string, string>> = {
  Get: 'dynamodb:GetItem',
  TransactGet: 'dynamodb:GetItem',
  BatchGet: 'dynamodb:BatchGetItem',
  BatchWrite: 'dynamodb:BatchWriteItem',
  Query: 'dynamodb:Query',
  Scan: 'dynamodb:Scan',
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
  Delete: 'dynamodb:DeleteItem',
  SendMessage: 'sqs:SendMessage',
  SendMessageBatch: 'sqs:SendMessage',
  ChangeMessageVisibility: 'sqs:ChangeMessageVisibility',
  GetQueueUrl: 'sqs:GetQueueUrl',
  GetQueueAttributes: 'sqs:GetQueueAttributes',
  GetSecretValue: 'secretsmanager:GetSecretValue',
  PutObject: 's3:PutObject',
  SendEmail: 'ses:SendEmail',
  Converse: 'bedrock:InvokeModel',
};

/** A transaction asks for the action of each of its items. */
const transactionActions = ['ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem'].map(
  (name) => `dynamodb:${name}`,
);

/** What Lambda itself does in the function's name, and logs and traces. */
const byThePlatform =
  /^(?:logs|xray):|^dynamodb:(?:DescribeStream|GetRecords|GetShardIterator|ListStreams)$|^sqs:(?:ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueAttributes|GetQueueUrl)$/;
/** Calls that a library makes for us: nodemailer, lib-storage, and Powertools' parameters. */
const implied = new Set([
  'ses:SendEmail',
  'ses:SendRawEmail',
  's3:PutObject',
  's3:AbortMultipartUpload',
  'secretsmanager:GetSecretValue',
]);
/** To Lambda, for records that a stream mapping gave up on. */
const relays: readonly string[] = ['relay', 'timer-relay', 'statements'] satisfies FunctionName[];

/** The commands that code of ours, as far as it is in the bundle, makes. */
function calls(folder: string, name: FunctionName): string[] {
  const text = readFileSync(join(folder, `${name}.mjs`), 'utf8');
  // Unminified, esbuild says above each part which file it comes from.
  const parts = text.split(/^\/\/ (?=\S+\.\w+$)/m).filter((part) => part.startsWith('functions/'));
  return [
    ...new Set(
      parts.flatMap((part) => [...part.matchAll(/\bnew (\w+)Command\d*\(/g)].map((match) => match[1] ?? '')),
    ),
  ];
}

function bundleReadably(): string {
  const folder = newOutdir();
  buildSync({
    absWorkingDir: join(import.meta.dirname, '../..'),
    entryPoints: Object.entries(entries).map(([name, file]) => ({ in: file, out: name })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return folder;
}

const folder = bundleReadably();
const roles = allowed('localstack');
const functions = [...resources('localstack', 'AWS::Lambda::Function').values()].map(({ Properties }) => {
  const { Variables } = Properties['Environment'] as { Variables: { POWERTOOLS_SERVICE_NAME: FunctionName } };
  return [Variables.POWERTOOLS_SERVICE_NAME, readable(Properties['Role'])] as const;
});

test('every function is looked at', () => {
  // Here the function of the HTTP API is a part of that of the REST API.
  const names = Object.keys(entries).filter((name) => name !== 'api');
  expect(functions.map(([name]) => name).sort()).toEqual(names.sort());
});

test.each(functions)('%s is allowed every call its code makes, and no other', (name, role) => {
  const permitted = new Set(Object.values(roles.get(role) ?? {}).flat());
  const made = calls(folder, name);
  const needed = made.flatMap((command) =>
    command === 'TransactWrite' ? [] : [actionOf[command] ?? `unknown: ${command}`],
  );
  expect([...new Set(needed)].filter((action) => !permitted.has(action))).toEqual([]);
  if (made.includes('TransactWrite'))
    expect([...permitted]).toEqual(expect.arrayContaining(transactionActions));

  const used = new Set([
    ...needed,
    ...implied,
    ...(made.includes('TransactWrite') ? transactionActions : []),
    ...(relays.includes(name) ? ['sqs:SendMessage'] : []),
  ]);
  expect([...permitted].filter((action) => !used.has(action) && !byThePlatform.test(action))).toEqual([]);
});
