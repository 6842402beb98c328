import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Log } from '../../functions/runtime/logger.ts';
import { createMetricWriter, withMetrics } from '../../functions/runtime/metric-writer.ts';
import { metrics } from '../../functions/runtime/metrics.ts';
import { metricLines } from '../support/written-metrics.ts';

const warn = vi.fn();
const log: Log = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
beforeEach(() => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  // As the platform sets it: the function's name must not become a dimension.
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'api');
});
afterEach(() => {
  vi.unstubAllEnvs();
  warn.mockClear();
});

const written = (name: string, unit: string, values: number[], topic?: string): object => ({
  namespace: 'CommitOnce',
  name,
  unit,
  dimensions: { stage: 'prod', ...(topic !== undefined && { topic }) },
  values,
});

test('writes a line for each topic, with the values of one invocation', async () => {
  const writer = createMetricWriter('prod', log);
  const lines = await metricLines(() => {
    writer.add('MessagesDone', 1, 'llm');
    writer.add('DeliveryLatency', 250, 'llm');
    writer.add('MessagesDone', 1, 'llm');
    writer.add('MessagesDead', 1, 'timer');
    writer.add('CommandsCommitted', 1);
    writer.flush();
  });
  expect(lines).toEqual([
    [
      written('MessagesDone', 'Count', [1, 1], 'llm'),
      written('DeliveryLatency', 'Milliseconds', [250], 'llm'),
    ],
    [written('MessagesDead', 'Count', [1], 'timer')],
    [written('CommandsCommitted', 'Count', [1])],
  ]);
  expect(warn).not.toHaveBeenCalled();
});

test('writes what was added once, and 0 as a value, and nothing where nothing was added', async () => {
  const writer = createMetricWriter('prod', log);
  const lines = await metricLines(() => {
    writer.flush();
    writer.add('AuditProblems', 0);
    writer.flush();
    writer.flush();
  });
  expect(lines).toEqual([[written('AuditProblems', 'Count', [0])]]);
  expect(warn).not.toHaveBeenCalled();
});

test('loses no value of an invocation that adds more than a line may hold', async () => {
  const writer = createMetricWriter('prod', log);
  const lines = await metricLines(() => {
    for (let n = 0; n < 250; n += 1) writer.add('MessagesDone', 1, 'report');
    writer.flush();
  });
  expect(lines.flat().flatMap(({ values }) => values)).toHaveLength(250);
  for (const { values } of lines.flat()) expect(values.length).toBeLessThanOrEqual(100);
});

test('writes nothing where metrics are disabled', async () => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'true');
  const writer = createMetricWriter('prod', log);
  const lines = await metricLines(() => {
    writer.add('CommandsCommitted', 1);
    writer.flush();
  });
  expect(lines).toEqual([]);
});

test('a metric that cannot be written fails nothing, and is told of', async () => {
  const writer = createMetricWriter('prod', log);
  const answer = withMetrics(writer, () => {
    writer.add('DeliveryLatency', Number.NaN, 'llm');
    writer.add('MessagesDone', 1, 'llm');
    return Promise.resolve('answer');
  });
  let given: unknown;
  const lines = await metricLines(async () => {
    given = await answer();
  });
  expect(given).toBe('answer');
  expect(lines).toEqual([[written('MessagesDone', 'Count', [1], 'llm')]]);
  expect(warn).toHaveBeenCalledOnce();

  vi.spyOn(process.stdout, 'write').mockImplementation(() => {
    throw new Error('the log is gone');
  });
  writer.add('MessagesDone', 1, 'llm');
  await expect(answer()).resolves.toBe('answer');
  vi.restoreAllMocks();
});

test('an invocation that throws writes its metrics, and throws', async () => {
  const writer = createMetricWriter('prod', log);
  const failing = withMetrics(writer, () => {
    writer.add('MessagesSwept', 3, 'report');
    return Promise.reject(new Error('half of it'));
  });
  const lines = await metricLines(() => expect(failing()).rejects.toThrow('half of it'));
  expect(lines).toEqual([[written('MessagesSwept', 'Count', [3], 'report')]]);
});

test('the combinations of dimensions are as many as the comment on their cost says', () => {
  const source = readFileSync(new URL('../../functions/runtime/metrics.ts', import.meta.url), 'utf8');
  const combinations = Object.values(metrics).reduce((sum, { topics }) => sum + (topics.length || 1), 0);
  expect(source).toContain(`${combinations} combinations, $${(combinations * 0.3).toFixed(2)} a month`);
});
