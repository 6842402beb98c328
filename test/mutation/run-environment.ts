/** What the command tells the Vitest that Stryker starts. It starts it in a process of its own: by the environment. */
import { assertLoopback } from '../support/loopback.ts';

const names = { tests: 'MUTATION_TESTS', dynamodbEndpoint: 'MUTATION_DYNAMODB' } as const;

const read = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing: npm run test:mutation sets it`);
  return value;
};

export const environmentOf = (
  tests: readonly string[],
  dynamodbEndpoint: string,
): Readonly<Record<string, string>> => ({
  [names.tests]: tests.join(','),
  [names.dynamodbEndpoint]: dynamodbEndpoint,
});

/** The test files to run. */
export const tests = (): string[] => read(names.tests).split(',');

/** DynamoDB Local of the whole run. */
export const dynamodbEndpoint = (): string => assertLoopback(read(names.dynamodbEndpoint));
