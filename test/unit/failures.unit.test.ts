import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { mayHaveHappened } from '../../functions/store/failures.ts';

const answered = (httpStatusCode: number, name = 'SomeException'): Error =>
  new DynamoDBServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });
const named = (name: string): Error => Object.assign(new Error('x'), { name });
const coded = (code: string): Error => Object.assign(new Error('x'), { code });

describe('a call that failed may have happened', () => {
  test.each([
    answered(500),
    answered(503),
    answered(429),
    answered(200),
    ...[
      'ProvisionedThroughputExceededException',
      'RequestLimitExceeded',
      'ThrottlingException',
      'TransactionConflictException',
      'TransactionInProgressException',
      'LimitExceededException',
      'ReplicatedWriteConflictException',
    ].map((name) => answered(400, name)),
    named('TimeoutError'),
    named('AbortError'),
    coded('ECONNRESET'),
    coded('EPIPE'),
    coded('EAI_AGAIN'),
    coded('UND_ERR_CONNECT_TIMEOUT'),
    new Error('x', { cause: coded('ECONNREFUSED') }),
    Object.assign(new Error('not readable'), { $metadata: { attempts: 3 } }),
  ])('where it ended with %o', (error) => {
    expect(mayHaveHappened(error)).toBe(true);
  });
});

describe('a call that failed did not happen', () => {
  test.each([
    answered(400, 'ValidationException'),
    answered(403, 'AccessDeniedException'),
    new TypeError('undefined is not a function'),
    new Error('Unsupported type passed: Date'),
    coded('ERR_INVALID_ARG_TYPE'),
    coded('ERR_UNESCAPED_CHARACTERS'),
    'a string',
  ])('where it ended with %o', (error) => {
    expect(mayHaveHappened(error)).toBe(false);
  });
});
