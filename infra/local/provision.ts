import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { provideQueue, setQueuePolicies } from './queues.ts';
import type { Resolver } from './resolver.ts';
import { failedAt } from './service-error.ts';
import { provideTable } from './tables.ts';
import { resourcesOf, served, type Template, type TemplateResource } from './template.ts';

export interface Provisioned {
  /** Whether any table was there before: its messages may wait for what a restart lost. */
  readonly existed: boolean;
  /** ARN -> URL of every queue. */
  readonly queues: ReadonlyMap<string, string>;
  /** Names of the buckets. */
  readonly buckets: readonly string[];
}

/**
 * Makes the tables and queues of the template and tells the resolver what they are.
 * @throws ServiceError where a service does not do its part
 */
export async function provision(
  template: Template,
  resolver: Resolver,
  clients: { readonly dynamodb: DynamoDBClient; readonly sqs: SQSClient },
  stackName: string,
): Promise<Provisioned> {
  const nameOf = (logicalId: string, given: unknown): string => {
    const name = resolver.resolve(given);
    return typeof name === 'string' ? name : `${stackName}-${logicalId}`;
  };
  const queues = new Map<string, string>();
  const [existed] = await Promise.all([
    provideTables(template, resolver, clients.dynamodb, nameOf).catch(failedAt('DYNAMODB')),
    provideQueues(template, resolver, clients.sqs, nameOf, queues).catch(failedAt('SQS')),
  ]);
  const buckets = resourcesOf(template, served.bucket).map(([logicalId, { Properties }]) => {
    const name = nameOf(logicalId, Properties?.['BucketName']).toLowerCase();
    resolver.define(logicalId, { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } });
    return name;
  });
  return { existed, queues, buckets };
}

type NameOf = (logicalId: string, given: unknown) => string;

async function provideTables(
  template: Template,
  resolver: Resolver,
  client: DynamoDBClient,
  nameOf: NameOf,
): Promise<boolean> {
  const tables = await Promise.all(
    resourcesOf(template, served.table).map(async ([logicalId, resource]) => {
      const name = nameOf(logicalId, resource.Properties?.['TableName']);
      const table = await provideTable(client, name, resolved(resolver, resource));
      resolver.define(logicalId, table);
      return table;
    }),
  );
  return tables.some((table) => table.existed);
}

async function provideQueues(
  template: Template,
  resolver: Resolver,
  client: SQSClient,
  nameOf: NameOf,
  urls: Map<string, string>,
): Promise<void> {
  const resources = resourcesOf(template, served.queue);
  const made = await Promise.all(
    resources.map(async ([logicalId, resource]) => {
      const { RedrivePolicy, RedriveAllowPolicy, ...properties } = resource.Properties ?? {};
      const queue = await provideQueue(
        client,
        nameOf(logicalId, properties['QueueName']),
        resolver.resolve(properties) as Record<string, unknown>,
      );
      resolver.define(logicalId, queue);
      urls.set(queue.attributes['Arn'] ?? '', queue.ref);
      return { url: queue.ref, policies: { RedrivePolicy, RedriveAllowPolicy } };
    }),
  );
  // A dead-letter queue and its source name each other, so policies come when both are there.
  for (const { url, policies } of made) {
    await setQueuePolicies(client, url, resolver.resolve(policies) as Record<string, unknown>);
  }
}

function resolved(resolver: Resolver, resource: TemplateResource): Record<string, unknown> {
  return resolver.resolve(resource.Properties ?? {}) as Record<string, unknown>;
}
