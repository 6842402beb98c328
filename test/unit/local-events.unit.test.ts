import { describe, expect, test } from 'vitest';
import { matchesPattern, readFilters } from '../../infra/local/event-pattern.ts';
import { toCron } from '../../infra/local/schedules.ts';
import { itemFailures } from '../../infra/local/sqs-mapping.ts';
import { processBatch, type BatchRecord, type StreamPolicy } from '../../infra/local/stream-batch.ts';

describe('a filter pattern', () => {
  const record = {
    eventName: 'INSERT',
    dynamodb: { NewImage: { status: { S: 'pending' }, n: { N: '5' } } },
    size: 5,
  };

  test.each<[string, unknown, boolean]>([
    ['a value', { eventName: ['INSERT'] }, true],
    ['one of several values', { eventName: ['MODIFY', 'INSERT'] }, true],
    ['another value', { eventName: ['REMOVE'] }, false],
    ['all leaves', { eventName: ['INSERT'], dynamodb: { NewImage: { status: { S: ['done'] } } } }, false],
    ['a leaf that exists', { dynamodb: { NewImage: { n: { N: [{ exists: true }] } } } }, true],
    ['a leaf that does not', { dynamodb: { NewImage: { dueAt: { N: [{ exists: true }] } } } }, false],
    ['an absent leaf', { dynamodb: { OldImage: { a: { S: [{ exists: false }] } } } }, true],
    ['a prefix', { eventName: [{ prefix: 'INS' }] }, true],
    ['a suffix', { eventName: [{ suffix: 'INS' }] }, false],
    ['anything but', { eventName: [{ 'anything-but': ['REMOVE'] }] }, true],
    ['a range of numbers', { size: [{ numeric: ['>', 1, '<=', 5] }] }, true],
    ['a number outside', { size: [{ numeric: ['<', 5] }] }, false],
    ['any of two branches', { $or: [{ eventName: ['REMOVE'] }, { size: [5] }] }, true],
  ])('%s', (_case, pattern, expected) => {
    expect(matchesPattern(pattern, record)).toBe(expected);
  });

  test('refuses a rule it does not know', () => {
    expect(() => matchesPattern({ eventName: [{ cidr: '10.0.0.0/8' }] }, record)).toThrow();
  });

  test('everything passes without filters, and any of several is enough', () => {
    expect(readFilters(undefined)(record)).toBe(true);
    const filters = [{ Pattern: '{"eventName":["REMOVE"]}' }, { Pattern: '{"size":[5]}' }];
    expect(readFilters({ Filters: filters })(record)).toBe(true);
  });
});

describe('a partial batch response', () => {
  test.each<[string, unknown, string[] | undefined]>([
    ['null', null, []],
    ['no list', {}, []],
    ['an empty list', { batchItemFailures: [] }, []],
    ['identifiers', { batchItemFailures: [{ itemIdentifier: 'a' }] }, ['a']],
    ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }, undefined],
    ['another form', { batchItemFailures: [{ id: 'a' }] }, undefined],
    ['no list but text', { batchItemFailures: 'a' }, undefined],
  ])('%s', (_case, payload, expected) => {
    expect(itemFailures(payload)).toEqual(expected);
  });
});

describe('a stream batch', () => {
  const policy: StreamPolicy = {
    maximumRetryAttempts: 2,
    maximumRecordAgeSeconds: 60,
    bisectBatchOnFunctionError: true,
    reportBatchItemFailures: true,
  };
  const nowMs = 1_000_000;
  const record = (id: string, ageSeconds = 0): BatchRecord => ({
    dynamodb: { SequenceNumber: id, ApproximateCreationDateTime: nowMs / 1_000 - ageSeconds },
  });
  const ids = (records: readonly BatchRecord[]): string =>
    records.map((each) => each.dynamodb.SequenceNumber).join('');

  /** Runs a batch in which the records of `bad` fail, reported or by a throw. */
  async function work(
    records: readonly BatchRecord[],
    bad: string,
    how: 'reported' | 'thrown',
    given: Partial<StreamPolicy> = {},
  ): Promise<{ invoked: string[]; discarded: string[]; finished: boolean }> {
    const invoked: string[] = [];
    const discarded: string[] = [];
    const finished = await processBatch(
      records,
      { ...policy, ...given },
      {
        invoke: (batch) => {
          invoked.push(ids(batch));
          const failed = batch.map((each) => each.dynamodb.SequenceNumber).filter((id) => bad.includes(id));
          return Promise.resolve(how === 'thrown' && failed.length > 0 ? undefined : failed);
        },
        discard: (batch, reason) => {
          discarded.push(`${ids(batch)} ${reason}`);
          return Promise.resolve();
        },
        now: () => nowMs,
        wait: () => Promise.resolve(true),
      },
    );
    return { invoked, discarded, finished };
  }
  const abcd = ['a', 'b', 'c', 'd'].map((id) => record(id));

  test('that succeeds is invoked once', async () => {
    expect(await work(abcd, '', 'reported')).toEqual({ invoked: ['abcd'], discarded: [], finished: true });
  });

  test('goes on from the reported record, isolates it, and then with the rest', async () => {
    const { invoked, discarded } = await work(abcd, 'b', 'reported');
    expect(invoked).toEqual(['abcd', 'bcd', 'bc', 'b', 'b', 'b', 'c', 'd']);
    expect(discarded).toEqual(['b RetryAttemptsExhausted']);
  });

  test('is halved after a throw until the record stands alone', async () => {
    const { invoked, discarded } = await work(abcd, 'c', 'thrown');
    expect(invoked).toEqual(['abcd', 'ab', 'cd', 'c', 'c', 'c', 'd']);
    expect(discarded).toEqual(['c RetryAttemptsExhausted']);
  });

  test('without bisection is retried and given up as a whole', async () => {
    const { invoked, discarded } = await work(abcd, 'c', 'thrown', { bisectBatchOnFunctionError: false });
    expect(invoked).toEqual(['abcd', 'abcd', 'abcd']);
    expect(discarded).toEqual(['abcd RetryAttemptsExhausted']);
  });

  test('loses records that are too old, and only those', async () => {
    const { invoked, discarded } = await work([record('o', 61), record('y')], '', 'reported');
    expect(invoked).toEqual(['y']);
    expect(discarded).toEqual(['o RecordAgeExceeded']);
  });

  test('stops between two attempts when it is told to', async () => {
    let invocations = 0;
    const finished = await processBatch(
      [record('a')],
      { ...policy, maximumRetryAttempts: -1 },
      {
        invoke: () => {
          invocations += 1;
          return Promise.resolve(undefined);
        },
        discard: () => Promise.resolve(),
        now: () => nowMs,
        wait: () => Promise.resolve(invocations < 3),
      },
    );
    expect(finished).toBe(false);
    expect(invocations).toBe(3);
  });
});

test.each([
  ['0 3 * * ? *', '0 3 * * *'],
  ['0/5 8-17 ? * 2-6 *', '0/5 8-17 * * 1-5'],
  ['0 9 ? * MON-FRI *', '0 9 * * MON-FRI'],
  ['0 9 ? * 2#1 *', '0 9 * * 1#1'],
])('the AWS schedule %s is the cron schedule %s', (fields, expected) => {
  expect(toCron(fields)).toBe(expected);
});
