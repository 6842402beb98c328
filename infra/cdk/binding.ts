import { Stack, type CfnElement } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { acknowledge } from './acknowledge.ts';
import type { ServiceFunction } from './function.ts';

/**
 * A binding is one call that gives a function the environment variable by which it finds a resource and the
 * permission to use it, so that neither can exist without the other.
 *
 * Permissions are grants of named actions on named resources. CDK's own `grantReadData` and the like give whole
 * families of actions on the table and on `index/*`.
 */

export interface TableUse {
  /** Actions on the table itself, without the `dynamodb:` prefix. */
  readonly table?: readonly string[];
  /** Indexes the function queries. */
  readonly indexes?: readonly string[];
  /** Indexes the function reads from one end to the other. */
  readonly scanned?: readonly string[];
  /** Patterns of the partition keys that the actions on the table are for; all by default. */
  readonly partitions?: readonly string[];
}

/**
 * Gives `fn` the table's name in `variable` and the actions of `use`. A transaction needs the action of each of its
 * items (`PutItem`, `UpdateItem`, `DeleteItem`, `ConditionCheckItem`); there is no action for the transaction itself.
 */
export function bindTable(fn: ServiceFunction, variable: string, table: Table, use: TableUse): void {
  fn.function.addEnvironment(variable, table.tableName);
  const arnsOf = (indexes: readonly string[] = []): string[] =>
    indexes.map((index) => `${table.tableArn}/index/${index}`);
  const statements = [
    {
      names: use.table ?? [],
      resources: [table.tableArn],
      ...(use.partitions !== undefined && {
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': use.partitions } },
      }),
    },
    { names: use.indexes === undefined ? [] : ['Query'], resources: arnsOf(use.indexes) },
    { names: use.scanned === undefined ? [] : ['Scan'], resources: arnsOf(use.scanned) },
  ];
  for (const { names, resources, conditions } of statements) {
    if (names.length === 0) continue;
    const grant = Grant.addToPrincipal({
      grantee: fn.function,
      actions: names.map((name) => `dynamodb:${name}`),
      resourceArns: resources,
      ...(conditions !== undefined && { conditions }),
    });
    grant.assertSuccess();
  }
}

/** Gives `fn` the queue's URL in `variable` and leave for `actions` on it: to send, unless said otherwise. */
export function bindQueue(
  fn: ServiceFunction,
  variable: string,
  queue: Queue,
  actions: readonly string[] = ['SendMessage'],
): void {
  fn.function.addEnvironment(variable, queue.queueUrl);
  allow(fn.function, queue, actions);
}

/** Leave to send, for what Lambda sends by itself and so needs no variable: records that a mapping gave up on. */
export function allowSending(grantee: IGrantable, queue: Queue): void {
  allow(grantee, queue, ['SendMessage']);
}

function allow(grantee: IGrantable, queue: Queue, actions: readonly string[]): void {
  Grant.addToPrincipal({
    grantee,
    actions: actions.map((name) => `sqs:${name}`),
    resourceArns: [queue.queueArn],
  }).assertSuccess();
}

/** Gives `fn` the bucket's name in `variable` and leave to write objects, large ones in parts included. */
export function bindBucketForWriting(fn: ServiceFunction, variable: string, bucket: Bucket): void {
  fn.function.addEnvironment(variable, bucket.bucketName);
  Grant.addToPrincipal({
    grantee: fn.function,
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resourceArns: [bucket.arnForObjects('*')],
  }).assertSuccess();
  const arn = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  acknowledge(
    fn,
    `AwsSolutions-IAM5[Resource::<${arn}.Arn>/*]`,
    'Every object of the bucket is a report and this function writes them all; it can neither read, list nor delete.',
  );
}

/** Gives `fn` the secret's ARN in `variable` and leave to read its value: the value is never in the template. */
export function bindSecret(fn: ServiceFunction, variable: string, secret: Secret): void {
  fn.function.addEnvironment(variable, secret.secretArn);
  Grant.addToPrincipal({
    grantee: fn.function,
    actions: ['secretsmanager:GetSecretValue'],
    resourceArns: [secret.secretArn],
  }).assertSuccess();
}
