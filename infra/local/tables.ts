import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import type { ResourceValues } from './resolver.ts';
import { StartError } from './start-error.ts';

export interface TableResource extends ResourceValues {
  /** Whether it was there before this start. */
  readonly existed: boolean;
}

/** Properties of `AWS::DynamoDB::Table` that the API takes under the same name. */
const sameNames = [
  'AttributeDefinitions',
  'BillingMode',
  'GlobalSecondaryIndexes',
  'KeySchema',
  'LocalSecondaryIndexes',
  'ProvisionedThroughput',
] as const;

/**
 * Makes the table a template describes, or uses the one that exists: data is never thrown away here.
 * @param properties resolved properties of an `AWS::DynamoDB::Table`
 * @throws StartError where the one that exists lacks an index: another version made it, and its items have no such keys
 */
export async function provideTable(
  client: DynamoDBClient,
  name: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<TableResource> {
  let existed = false;
  try {
    await client.send(new CreateTableCommand(createInput(name, properties)));
    await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName: name });
    await enableTimeToLive(client, name, properties);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
    existed = true;
  }
  const { Table: table } = await client.send(new DescribeTableCommand({ TableName: name }));
  const missing = indexNames(properties).filter((index) => !indexNames(table ?? {}).includes(index));
  if (missing.length > 0) {
    throw new StartError(
      `table ${name} was made by another version: it has no index ${missing.join(', ')}. An empty DATA_DIR starts afresh.`,
    );
  }
  return {
    ref: name,
    existed,
    attributes: {
      Arn: table?.TableArn ?? '',
      ...(table?.LatestStreamArn !== undefined && { StreamArn: table.LatestStreamArn }),
    },
  };
}

const indexNames = ({ GlobalSecondaryIndexes: indexes }: Indexed): readonly string[] =>
  (indexes ?? []).map(({ IndexName }) => IndexName ?? '');

interface Indexed {
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName?: string | undefined }[] | undefined;
}

function createInput(name: string, properties: Readonly<Record<string, unknown>>): CreateTableCommandInput {
  const stream = properties['StreamSpecification'] as { StreamViewType: 'NEW_IMAGE' } | undefined;
  const input: Record<string, unknown> = { TableName: name };
  for (const key of sameNames) {
    if (properties[key] !== undefined) input[key] = properties[key];
  }
  if (stream !== undefined) input['StreamSpecification'] = { StreamEnabled: true, ...stream };
  return input as unknown as CreateTableCommandInput;
}

async function enableTimeToLive(
  client: DynamoDBClient,
  name: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<void> {
  const specification = properties['TimeToLiveSpecification'] as
    { AttributeName: string; Enabled: boolean } | undefined;
  if (specification === undefined) return;
  await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: specification }));
}
