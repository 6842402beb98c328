import {
  expiryReserveMs,
  nightly,
  page,
  retentionSeconds,
  tenantSearch,
} from '../../functions/audit/limits.ts';
import { describe, expect, test } from 'vitest';
import {
  alarmLimits,
  apiFunction,
  auditFunction,
  clockEvent,
  eventStream,
  relayFunction,
  request,
  sweeperFunction,
  timerFunction,
  workerFunction,
} from '../../functions/runtime/limits.ts';
import { queue, timerPolicy, topicPolicies, topics } from '../../functions/runtime/topics.ts';
import { stageNames } from '../../infra/cdk/stages.ts';
import { readable, resources } from './built-stack.ts';

const policies = { ...topicPolicies, timer: timerPolicy };
const daySeconds = 24 * 60 * 60;

test.each(Object.entries(policies))('the policy of %s fits SQS and Lambda', (_, policy) => {
  expect(queue.visibilityPerFunctionTimeout).toBeGreaterThanOrEqual(6);
  expect(queue.maxReceiveCount).toBeGreaterThanOrEqual(5);
  // The worker counts first: SQS moves a message only where no worker could.
  expect(queue.maxReceiveCount).toBeGreaterThan(policy.attempts);
  expect(policy.functionTimeoutSeconds * 1000).toBeGreaterThan(policy.callTimeoutMs);
  expect(policy.functionTimeoutSeconds * queue.visibilityPerFunctionTimeout).toBeLessThanOrEqual(
    12 * 60 * 60,
  );
  expect(policy.maxConcurrency).toBeGreaterThanOrEqual(2);
  // Larger batches need a batching window.
  expect(policy.batchSize).toBeLessThanOrEqual(10);
});

test('functions end after the bound of their work and before the platform ends them', () => {
  expect(apiFunction.timeoutSeconds * 1000).toBeGreaterThan(request.deadlineMs);
  // An HTTP API waits 30 s for its integration.
  expect(apiFunction.timeoutSeconds).toBeLessThan(30);
  expect(sweeperFunction.timeoutSeconds).toBeLessThan(sweeperFunction.everyMinutes * 60);
  expect(clockEvent.maxAgeSeconds).toBeLessThanOrEqual(sweeperFunction.everyMinutes * 60);
  expect(auditFunction.timeoutSeconds).toBeLessThanOrEqual(900);
});

test('a night has time for the search and for many turns, and two nights may fail before people are told', () => {
  const nightMs = auditFunction.timeoutSeconds * 1000 - nightly.reserveMs;
  expect(tenantSearch.timeMs).toBeLessThan(nightMs / 4);
  expect(nightly.turnMs).toBeLessThan(nightMs / 10);
  // A page and the part that it begins last are over before another run may take its tenant.
  expect(nightly.leaseMs).toBeGreaterThan(5 * page.budgetMs);
  expect(nightly.reserveMs).toBeGreaterThan(5 * page.budgetMs);
  expect(expiryReserveMs).toBeGreaterThan(5 * page.budgetMs);
  const dayMs = 24 * 60 * 60 * 1000;
  expect(nightly.dueAfterMs).toBeGreaterThan(auditFunction.timeoutSeconds * 1000);
  expect(nightly.dueAfterMs).toBeLessThan(dayMs - auditFunction.timeoutSeconds * 1000);
  expect(alarmLimits.oldestAuditHours * 60 * 60 * 1000).toBe(3 * dayMs);
  // A run that one night does not end is gone on with at least twice.
  expect(retentionSeconds * 1000).toBeGreaterThan(2 * dayMs);
});

test('a missing audit is noticed after its night and before the next one has ended', () => {
  const missingMinutes = alarmLimits.auditMissingHours * 60;
  expect(missingMinutes).toBeGreaterThan(24 * 60 + auditFunction.timeoutSeconds / 60);
  expect(missingMinutes).toBeLessThan(2 * 24 * 60);
  // The longest warm-up of an alarm.
  expect(missingMinutes).toBeLessThanOrEqual(2_880);
});

test('stream mappings give up before the stream does', () => {
  expect(eventStream.retryAttempts).toBeGreaterThan(0);
  expect(eventStream.retryAttempts).toBeLessThanOrEqual(100);
  expect(eventStream.maxRecordAgeSeconds).toBeLessThan(daySeconds);
});

describe.each(stageNames)('in the template of %s', (stage) => {
  const number = (properties: Readonly<Record<string, unknown>>, name: string): number => {
    expect(properties[name], name).toBeTypeOf('number');
    return properties[name] as number;
  };

  /** Of what belongs to a topic, e.g. `ExternalCall`. */
  const idOf = (name: string): string =>
    name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());

  test('every queue hides a message six times as long as its reader may run, and names its dead letters', () => {
    const functions = resources(stage, 'AWS::Lambda::Function');
    const queues = resources(stage, 'AWS::SQS::Queue');
    const mappings = [...resources(stage, 'AWS::Lambda::EventSourceMapping').values()];
    for (const [name, policy] of Object.entries(policies)) {
      const id = idOf(name);
      const source = queues.get(`${id}MessagesQueue`)?.Properties ?? {};
      const dead = queues.get(`${id}MessagesDeadLetters`)?.Properties ?? {};
      const reader = functions.get(`${id}WorkerFunction`)?.Properties ?? {};
      const mapping = mappings.find(
        ({ Properties }) => readable(Properties['EventSourceArn']) === `${id}MessagesQueue`,
      );

      expect(number(source, 'VisibilityTimeout')).toBeGreaterThanOrEqual(6 * number(reader, 'Timeout'));
      expect(number(reader, 'Timeout')).toBe(policy.functionTimeoutSeconds);
      expect(number(dead, 'MessageRetentionPeriod')).toBe(14 * daySeconds);
      expect(number(source, 'MessageRetentionPeriod')).toBeLessThan(14 * daySeconds);
      expect(source['RedrivePolicy']).toMatchObject({ maxReceiveCount: queue.maxReceiveCount });
      const redrive = source['RedrivePolicy'] as { deadLetterTargetArn: unknown };
      expect(readable(redrive.deadLetterTargetArn)).toBe(`${id}MessagesDeadLetters`);
      const allow = dead['RedriveAllowPolicy'] as { redrivePermission: string; sourceQueueArns: unknown[] };
      expect(allow.redrivePermission).toBe('byQueue');
      expect(allow.sourceQueueArns.map(readable)).toEqual([
        `arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${String(source['QueueName'])}`,
      ]);
      expect(mapping?.Properties).toMatchObject({
        BatchSize: policy.batchSize,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: policy.maxConcurrency },
      });
    }
  });

  test('relay, workers and timer have the memory that they are priced by', () => {
    const functions = resources(stage, 'AWS::Lambda::Function');
    const memoryOf = (id: string): unknown => functions.get(`${id}Function`)?.Properties['MemorySize'];
    expect(memoryOf('OutboxRelay')).toBe(relayFunction.memoryMb);
    expect(memoryOf('TimerWorker')).toBe(timerFunction.memoryMb);
    for (const topic of topics) expect(memoryOf(`${idOf(topic)}Worker`), topic).toBe(workerFunction.memoryMb);
  });

  test('what the clock starts is tried once: neither EventBridge nor Lambda tries again', () => {
    const rules = [...resources(stage, 'AWS::Events::Rule').values()];
    const targets = rules.flatMap(
      ({ Properties }) => Properties['Targets'] as { Arn: unknown; RetryPolicy: object }[],
    );
    expect(targets.map(({ RetryPolicy }) => RetryPolicy)).toEqual(
      targets.map(() => ({ MaximumRetryAttempts: 0 })),
    );
    const settings = [...resources(stage, 'AWS::Lambda::EventInvokeConfig').values()].map(
      ({ Properties }) => Properties,
    );
    // The rules name the functions themselves, which is to say their newest version.
    expect(settings.map(({ FunctionName }) => readable(FunctionName)).sort()).toEqual(
      targets.map(({ Arn }) => readable(Arn)).sort(),
    );
    for (const setting of settings) {
      expect(setting).toMatchObject({
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: 60,
      });
    }
  });

  test('every stream mapping has all its bounds', () => {
    const streams = [...resources(stage, 'AWS::Lambda::EventSourceMapping').values()]
      .map(({ Properties }) => Properties)
      .filter((properties) => readable(properties['EventSourceArn']).endsWith('.StreamArn'));
    expect(streams).toHaveLength(3);
    for (const mapping of streams) {
      expect(mapping).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: eventStream.retryAttempts,
        MaximumRecordAgeInSeconds: eventStream.maxRecordAgeSeconds,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      });
      const { OnFailure } = mapping['DestinationConfig'] as { OnFailure: { Destination: unknown } };
      expect(readable(OnFailure.Destination)).toBe('StreamFailuresQueue');
    }
    // Messages and timers are waited for, lines of statements are not.
    const gathering = streams.filter((mapping) => 'MaximumBatchingWindowInSeconds' in mapping);
    expect(gathering).toMatchObject([
      { MaximumBatchingWindowInSeconds: eventStream.statementsWindowSeconds, ParallelizationFactor: 1 },
    ]);
    expect(readable(gathering[0]?.['FunctionName'])).toContain('StatementsRelay');
  });
});
