/** What one function waits for takes no concurrency from another, and an account with a small quota still deploys. */
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { concurrency, eventStream } from '../../functions/runtime/limits.ts';
import { timerPolicy, topicPolicies } from '../../functions/runtime/topics.ts';
import { stageNames, stages, type StageName } from '../../infra/cdk/stages.ts';
import { build, templateOf, type Resource } from './built-stack.ts';

/** Function -> what it has reserved. */
function shares(stage: StageName, reservedConcurrency?: 'on' | 'off'): Record<string, number> {
  const template =
    reservedConcurrency === undefined
      ? templateOf(stage)
      : Template.fromStack(build(stage, { reservedConcurrency }).stack);
  const functions = Object.values(template.findResources('AWS::Lambda::Function')) as Resource[];
  return Object.fromEntries<number>(
    functions.flatMap(({ Properties }): [string, number][] => {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      const share = Properties['ReservedConcurrentExecutions'];
      return share === undefined ? [] : [[Variables['POWERTOOLS_SERVICE_NAME'] ?? '', share as number]];
    }),
  );
}

const sum = (of: Readonly<Record<string, number>>): number =>
  Object.values(of).reduce((total, share) => total + share, 0);

const workers = { ...topicPolicies, timer: timerPolicy };

test.each(['staging', 'prod'] as const)('%s: everything but the docs has its share', (stage) => {
  expect(shares(stage)).toEqual({
    api: stages[stage].concurrency.apiMax,
    relay: concurrency.relay,
    'timer-relay': concurrency.relay,
    statements: concurrency.relay,
    ...Object.fromEntries(Object.entries(workers).map(([name, policy]) => [name, policy.maxConcurrency])),
    sweeper: concurrency.scheduled,
    audit: concurrency.scheduled,
  });
});

test.each(['dev', 'localstack'] as const)('%s reserves nothing, so that any quota is enough', (stage) => {
  expect(shares(stage)).toEqual({});
});

test.each(stageNames)('%s reserves what it is told to', (stage) => {
  expect(shares(stage, 'off')).toEqual({});
  expect(Object.keys(shares(stage, 'on'))).toHaveLength(11);
});

test('staging and prod fit an account of the default quota together, with what Lambda keeps back', () => {
  const [staging, prod] = [sum(shares('staging')), sum(shares('prod'))];
  // As the limits' comment says.
  expect([prod, staging, concurrency.accountDefault - prod - staging]).toEqual([514, 194, 292]);
  expect(staging + prod).toBeLessThanOrEqual(concurrency.accountDefault - concurrency.unreservedMin);
});

test('no share is below what its event source starts at once, and the api has most', () => {
  expect(concurrency.relay % eventStream.parallelizationFactor).toBe(0);
  for (const stage of ['staging', 'prod'] as const) {
    const { apiMax } = stages[stage].concurrency;
    const { throttle } = stages[stage];
    // A request may take 400 ms on average at the throttle's rate.
    expect(apiMax / throttle.ratePerSecond).toBeCloseTo(0.4);
  }
});
