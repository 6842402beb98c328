import { describe, expect, test } from 'vitest';
import { readEnvironment, runsOnLambda } from '../../functions/runtime/environment.ts';

describe('the environment', () => {
  test('gives what was asked for', () => {
    const source = { DATA_TABLE: 'data', SMTP_URL: '', OUTBOX_TABLE: 'outbox' };
    expect(readEnvironment(['DATA_TABLE'], ['SMTP_URL'], source)).toEqual({ DATA_TABLE: 'data' });
  });

  test('names every fault at once and no value', () => {
    const source = { EXTERNAL_CALL_URL: 'file:///etc/passwd', DATA_TABLE: '' };
    expect(() => readEnvironment(['DATA_TABLE', 'EXTERNAL_CALL_URL'], [], source)).toThrow(
      /DATA_TABLE.*EXTERNAL_CALL_URL/,
    );
    expect(() => readEnvironment(['EXTERNAL_CALL_URL'], [], source)).not.toThrow(/passwd/);
  });

  test('tells a function on AWS by what only the platform can set', () => {
    expect(runsOnLambda({ AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' })).toBe(true);
    expect(runsOnLambda({})).toBe(false);
  });
});
