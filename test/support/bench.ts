/** A workbench on empty tables of the run's DynamoDB Local. */
import { inject } from 'vitest';
import { emptyStore } from '../../infra/tools/explain/workbench.ts';
import type { Workbench, WorkbenchOptions } from '../../infra/tools/explain/workbench.ts';

export const emptyBench = (options: Partial<WorkbenchOptions> = {}): Promise<Workbench> =>
  emptyStore(inject('dynamodbEndpoint'), options);
