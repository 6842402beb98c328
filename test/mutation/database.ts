/** Vitest's global setup: hands on the database of the run. One of Vitest's own would be left behind by each timeout. */
import type { TestProject } from 'vitest/node';
import { dynamodbEndpoint } from './run-environment.ts';

export function setup(project: TestProject): void {
  project.provide('dynamodbEndpoint', dynamodbEndpoint());
}
