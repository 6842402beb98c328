/** The store of a stage, by the outputs of its stack, or of a table that is named. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { createDocumentClient } from '../../../functions/store/client.ts';
import type { Store } from '../../../functions/store/store.ts';

/** @returns `undefined` where the stage was never deployed */
export async function storeOfStage(stage: string): Promise<Store | undefined> {
  const client = new CloudFormationClient({});
  try {
    const { Stacks = [] } = await client.send(
      new DescribeStacksCommand({ StackName: `commit-once-${stage}` }),
    );
    const outputs = new Map(
      Stacks.flatMap(({ Outputs = [] }) => Outputs).map(({ OutputKey, OutputValue }) => [
        OutputKey,
        OutputValue,
      ]),
    );
    const data = outputs.get('DataTable');
    // A first deployment that failed has left a stack without any.
    return data === undefined ? undefined : storeOf(data);
  } catch (error) {
    // What CloudFormation says of a stack that is not there.
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/** Nothing but the data table is read. */
export const storeOf = (data: string): Store => ({
  client: createDocumentClient(),
  tables: { data, outbox: '', idempotency: '' },
});
