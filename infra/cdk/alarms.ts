import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Stats,
  TreatMissingData,
  type CfnAlarm,
  type IMetric,
  type Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { alarmLimits } from '../../functions/runtime/limits.ts';
import type { FunctionName } from './bundle.ts';
import { sumOf } from './metric-sum.ts';
import type { ServiceFunction } from './function.ts';
import { HttpEdge } from './http-api.ts';
import type { DeployOptions } from './options.ts';
import { byTopic, ownMetric } from './own-metrics.ts';
import type { StageSettings } from './stages.ts';
import { tableErrors, tableThrottles, watchedTables } from './table-metrics.ts';
import type { WatchedStack } from './watched-stack.ts';

const minute = Duration.minutes(1);
const day = Duration.days(1);

/** What stands against all tenants together after a run of the nightly audit. */
export const auditProblems = (stage: StageSettings): Metric =>
  ownMetric(stage, 'AuditProblems').with({ period: Duration.hours(1) });

/** How old the full audit is of the tenant that waits longest for its next one. */
export const oldestAudit = (stage: StageSettings): Metric =>
  ownMetric(stage, 'OldestAuditAge').with({ period: Duration.hours(1), statistic: Stats.MAXIMUM });

/**
 * How long the message waits that waits longest: for a callback, for its receiver to tell what it did, for its entity, or
 * behind another one.
 */
export const oldestWaiting = (stage: StageSettings): Metric =>
  ownMetric(stage, 'OldestWaitingAge').with({ statistic: Stats.MAXIMUM });

export interface AlarmsProps {
  readonly watched: WatchedStack;
  readonly stage: StageSettings;
  readonly options: DeployOptions;
}

/**
 * Every alarm of the stack, and the topic they report to. Each has an entry of the same name in the runbook,
 * `infra/README.md`.
 */
export class Alarms extends Construct {
  readonly topic: Topic;
  /** By function, those that say that a new version of it is bad: its canary deployment is rolled back on them. */
  readonly release = new Map<FunctionName, Alarm[]>();
  readonly all: Alarm[] = [];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = alarmTopic(this, props.options.alarmEmail);
    this.#essential(props);
    if (props.stage.alarms === 'all') this.#underTraffic(props);
  }

  /** What is wrong in itself, however small the traffic. */
  #essential({ watched, stage }: AlarmsProps): void {
    for (const [name, { queues }] of watched.workers) {
      this.#add(['dead-letters', name], queues.deadLetters.metricApproximateNumberOfMessagesVisible(last), 0);
    }
    const failures = watched.streamFailures.queue;
    this.#add(['stream-failures'], failures.metricApproximateNumberOfMessagesVisible(last), 0);
    this.#audit(watched.audit, stage);
    this.#add(['messages-not-sent'], notSent(stage), 0, { of: 5, bad: 3 });
    this.#add(['answer-conflicts'], ownMetric(stage, 'AnswerConflicts').with({ period: minute }), 0);
    this.#add(
      ['waiting-long'],
      oldestWaiting(stage).with({ period: minute }),
      alarmLimits.oldestWaitingSeconds,
      // The sweeper does not look at what it has sent again within two minutes.
      { of: 5, bad: 1 },
    );

    if (watched.edge instanceof HttpEdge) {
      const api = watched.edge.api;
      const share = new MathExpression({
        label: '5xx share',
        expression: 'IF(requests > 0, errors / requests, 0)',
        usingMetrics: {
          errors: api.metricServerError({ statistic: Stats.SUM, period: minute }),
          requests: api.metricCount({ statistic: Stats.SUM, period: minute }),
        },
        period: minute,
      });
      const errors = this.#add(['api-5xx'], share, stage.objectives.serverErrorShare, { of: 3, bad: 2 });
      this.#judge(watched.api, errors);
    }
  }

  /** What the nightly audit found, whether it ended, and whether it ran at all. */
  #audit(audit: ServiceFunction, stage: StageSettings): void {
    const found = auditProblems(stage).with({ period: day });
    // What was found stays until an audit finds nothing: a night without one leaves the alarm as it is.
    this.#add(['audit-failed'], found, 0, { missing: TreatMissingData.IGNORE });

    const oldest = oldestAudit(stage).with({ period: day });
    const bound = Duration.hours(alarmLimits.oldestAuditHours).toSeconds();
    this.#add(['audit-behind'], oldest, bound, { missing: TreatMissingData.IGNORE });

    // One failure is a lost night. Lambda dates an error by the beginning of its invocation, so by the minute those
    // of a run that took minutes would always be too old to be seen.
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
    this.#add(['function-errors', audit.name], functionMetric(audit, 'Errors').with({ period: day }), 0);

    const hours = alarmLimits.auditMissingHours;
    const missing = this.#add(['audit-missing'], hourWithoutAudit(stage), 0, {
      of: hours,
      bad: hours,
      missing: TreatMissingData.BREACHING,
    });
    // A new stack has its first audit within a day. Until then there is nothing to be missed.
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
    (missing.node.defaultChild as CfnAlarm).warmUpConfiguration = {
      warmUpPeriodDurationInMinutes: Duration.hours(hours).toMinutes(),
      onlyStartEvaluatingAfterWarmUpPeriodEnds: true,
    };
  }

  /** What only shows, or only matters, under real traffic. */
  #underTraffic({ watched, stage }: AlarmsProps): void {
    if (watched.edge instanceof HttpEdge) {
      const latency = watched.edge.api.metricLatency({ statistic: Stats.p(95), period: minute });
      const slow = this.#add(['api-latency'], latency, stage.objectives.latencyP95Ms, { of: 5, bad: 3 });
      this.#judge(watched.api, slow);
    }
    for (const [name, { queues }] of watched.workers) {
      const age = queues.queue.metricApproximateAgeOfOldestMessage({ ...last, statistic: Stats.MAXIMUM });
      const { oldestMessageSeconds, oldestTimerSeconds } = alarmLimits;
      const bound = name === 'timer' ? oldestTimerSeconds : oldestMessageSeconds;
      this.#add(['oldest-message', name], age, bound, { of: 5, bad: 5 });
    }
    for (const relay of watched.relays) {
      const age = functionMetric(relay.function, 'IteratorAge', Stats.MAXIMUM);
      this.#add(['iterator-age', relay.function.name], age, alarmLimits.iteratorAgeMs, { of: 5, bad: 3 });
    }
    for (const fn of watched.functions) {
      this.#add(['function-throttles', fn.name], functionMetric(fn, 'Throttles'), 0, { of: 5, bad: 3 });
      // Its own alarm is an essential one.
      if (fn === watched.audit) continue;
      const errors = this.#add(['function-errors', fn.name], functionMetric(fn, 'Errors'), 0, {
        of: 5,
        bad: 2,
      });
      this.#judge(fn, errors);
    }
    for (const [name, table] of watchedTables(watched)) {
      this.#add(['table-throttles', name], tableThrottles(name, table), 0, { of: 5, bad: 3 });
      this.#add(['table-errors', name], tableErrors(name, table), 0, { of: 5, bad: 3 });
    }
  }

  /** Lets an alarm take back a new version of one function: what is wrong with another one is no reason to. */
  #judge({ name, alias }: ServiceFunction, alarm: Alarm): void {
    if (alias !== undefined) this.release.set(name, [...(this.release.get(name) ?? []), alarm]);
  }

  /** @param id the kind of alarm, which is its heading in the runbook, and what it watches where there are several */
  #add(
    id: readonly [kind: string, subject?: string],
    metric: IMetric,
    threshold: number,
    { of = 1, bad = of, missing = TreatMissingData.NOT_BREACHING }: Evaluation = {},
  ): Alarm {
    const name = id.join('-');
    const alarm = new Alarm(this, name, {
      alarmName: `${Stack.of(this).stackName}-${name}`,
      alarmDescription: `Runbook: infra/README.md#${id[0]}`,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: of,
      datapointsToAlarm: bad,
      treatMissingData: missing,
    });
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    this.all.push(alarm);
    return alarm;
  }
}

interface Evaluation {
  /** The last so many periods are looked at; one by default. */
  readonly of?: number;
  /** So many of them have to be above the threshold; all by default. */
  readonly bad?: number;
  /** Without traffic most metrics are not written at all, and no traffic is not an error. */
  readonly missing?: TreatMissingData;
}

const last = { period: minute, statistic: Stats.MAXIMUM } as const;

export function functionMetric(
  fn: ServiceFunction,
  metricName: string,
  statistic: string = Stats.SUM,
): Metric {
  return fn.function.metric(metricName, { statistic, period: minute });
}

/** 1 for an hour in which no audit ended. An audit that finds nothing writes a 0, so its values are counted. */
function hourWithoutAudit(stage: StageSettings): MathExpression {
  return new MathExpression({
    label: 'no audit',
    // Filled: for missing values CloudWatch would look further back than it is asked to, and find the last audit.
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    expression: 'IF(FILL(audits, 0) > 0, 0, 1)',
    usingMetrics: { audits: auditProblems(stage).with({ statistic: Stats.SAMPLE_COUNT }) },
    period: Duration.hours(1),
  });
}

/** What the queues of all topics did not take. */
function notSent(stage: StageSettings): MathExpression {
  return sumOf('messages not sent', byTopic(stage, 'MessagesNotSent'));
}

function alarmTopic(scope: Construct, email: string | undefined): Topic {
  // A key of our own: the policy of SNS's own key cannot be changed, and by it no alarm may publish.
  // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
  const key = new Key(scope, 'TopicKey', {
    description: 'What alarms tell people',
    enableKeyRotation: true,
    // The topic keeps no message, so nothing has to be read with it once the stack is gone.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const topic = new Topic(scope, 'Topic', {
    displayName: 'commit-once alarms',
    enforceSSL: true,
    masterKey: key,
  });
  const byAlarms = {
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
  };
  key.addToResourcePolicy(
    new PolicyStatement({ ...byAlarms, actions: ['kms:Decrypt', 'kms:GenerateDataKey*'], resources: ['*'] }),
  );
  // A topic policy of our own replaces the default one, by which the account's alarms could publish.
  topic.addToResourcePolicy(
    new PolicyStatement({ ...byAlarms, actions: ['sns:Publish'], resources: [topic.topicArn] }),
  );
  if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
  return topic;
}
