import { Annotations, CfnOutput, Duration, Stack, Tags, type StackProps } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import {
  apiFunction,
  auditFunction,
  concurrency,
  eventStream,
  docsFunction,
  sweeperFunction,
  timerFunction,
  workerFunction,
} from '../../functions/runtime/limits.ts';
import { timerPolicy, topicPolicies, topics, type Topic } from '../../functions/runtime/topics.ts';
import { firstEntrySortKey } from '../../functions/store/keys.ts';
import { Alarms } from './alarms.ts';
import { bindQueue } from './binding.ts';
import { Canary } from './canary.ts';
import { Overview } from './dashboard.ts';
import { ServiceFunction, type Setting } from './function.ts';
import { HttpEdge } from './http-api.ts';
import { gapsOf, type DeployOptions } from './options.ts';
import { FailureQueue } from './queues.ts';
import { bindMail, bindModel, OutboundCalls, Reports } from './receivers.ts';
import { Relay } from './relay.ts';
import { RestEdge } from './rest-api.ts';
import { ScheduledFunction } from './schedule.ts';
import * as access from './store-access.ts';
import { Tables } from './tables.ts';
import type { WatchedStack } from './watched-stack.ts';
import { Worker } from './worker.ts';

export interface CommitOnceStackProps extends StackProps, Setting {
  readonly options: DeployOptions;
}

/** Topic -> the variable in which a sender finds its queue. */
const queueVariables: Readonly<Record<Topic | 'timer', string>> = {
  notification: 'NOTIFICATION_QUEUE_URL',
  'external-call': 'EXTERNAL_CALL_QUEUE_URL',
  report: 'REPORT_QUEUE_URL',
  llm: 'LLM_QUEUE_URL',
  timer: 'TIMER_QUEUE_URL',
};

/**
 * The backend, read in the order of its arrows:
 * caller -> API -> tables -> streams -> relays -> queues -> workers -> receivers, and the clock beside them.
 */
export class CommitOnceStack extends Stack implements WatchedStack {
  readonly tables: Tables;
  readonly edge: HttpEdge | RestEdge;
  readonly api: ServiceFunction;
  readonly workers: ReadonlyMap<Topic | 'timer', Worker>;
  readonly relays: readonly Relay[];
  readonly streamFailures: FailureQueue;
  readonly scheduled: readonly ScheduledFunction[];
  readonly audit: ServiceFunction;
  /** Every function of the stack. */
  readonly functions: readonly ServiceFunction[];

  constructor(scope: Construct, id: string, props: CommitOnceStackProps) {
    super(scope, id, props);
    const { options, stage, bundles } = props;
    const setting: Setting = { stage, bundles };

    // Commands: HTTP request to committed transaction.
    this.tables = new Tables(this, 'Tables', stage);
    this.api = new ServiceFunction(this, 'Commands', {
      ...setting,
      name: stage.api === 'rest' ? 'rest-api' : 'api',
      description: 'Commands and reads',
      ...apiFunction,
      reservedConcurrency: stage.concurrency.apiMax,
      canary: true,
    });
    if (options.evolve !== undefined) this.api.function.addEnvironment('EVOLVE', options.evolve);
    access.allowCommands(this.api, this.tables);
    access.allowOperations(this.api, this.tables);
    const docs = new ServiceFunction(this, 'Docs', {
      ...setting,
      name: 'docs',
      description: 'The OpenAPI document, its page, and the console',
      ...docsFunction,
    });
    if (options.consoleSignIn !== undefined) {
      docs.function.addEnvironment('CONSOLE_SIGN_IN', JSON.stringify(options.consoleSignIn));
    }
    const edge = { ...setting, options, api: this.api, docs };
    this.edge = stage.api === 'http' ? new HttpEdge(this, 'Edge', edge) : new RestEdge(this, 'Edge', edge);

    // Workers: queue to receiver, one of each a topic.
    const worker = (name: Topic | 'timer', scopeId: string, description: string): Worker =>
      new Worker(this, scopeId, {
        ...setting,
        name,
        description,
        ...(name === 'timer'
          ? { policy: timerPolicy, ...timerFunction }
          : { policy: topicPolicies[name], ...workerFunction }),
      });
    const workers = {
      notification: worker('notification', 'Notification', 'Sends mail'),
      'external-call': worker('external-call', 'ExternalCall', 'Calls the outside, signed'),
      report: worker('report', 'Report', 'Writes reports'),
      llm: worker('llm', 'Llm', 'Asks a language model'),
      timer: worker('timer', 'Timer', 'Runs scheduled transitions as commands, carries redrives on'),
    } as const satisfies Readonly<Record<Topic | 'timer', Worker>>;
    const names: readonly (Topic | 'timer')[] = [...topics, 'timer'];
    this.workers = new Map(names.map((name) => [name, workers[name]]));
    for (const topic of topics) access.allowWorkingOff(workers[topic].function, this.tables);
    bindMail(workers.notification.function, options);
    new OutboundCalls(this, 'OutboundCalls', {
      caller: workers['external-call'].function,
      api: this.api,
      options,
      stage,
    });
    const reports = new Reports(this, 'Reports', { fn: workers.report.function });
    bindModel(workers.llm.function, options);
    access.allowCommands(workers.timer.function, this.tables);
    access.allowRedriving(workers.timer.function, this.tables);

    // Relays: table stream to queues, and to statements.
    this.streamFailures = new FailureQueue(this, 'StreamFailures', 'stream-failures');
    const relay = new Relay(this, 'Outbox', {
      ...setting,
      name: 'relay',
      description: 'Sends the messages of committed commands to their queues',
      source: this.tables.outbox,
      newImages: [{ status: { S: ['pending'] } }],
      failures: this.streamFailures.queue,
    });
    const timerRelay = new Relay(this, 'Timers', {
      ...setting,
      name: 'timer-relay',
      description: 'Sends scheduled transitions to the timer queue',
      source: this.tables.data,
      newImages: [{ dueAt: { N: [{ exists: true }] } }],
      failures: this.streamFailures.queue,
    });
    const statements = new Relay(this, 'Statements', {
      ...setting,
      name: 'statements',
      description: 'Writes statements of accounts and lists by attribute from the entries of ledgers',
      source: this.tables.data,
      // Entries that post something or set an attribute, and the heartbeats by which it is known how far the stream has been
      // read. What the first entry sets may stand in its input alone.
      newImages: [
        { postings: { S: [{ exists: true }] } },
        { changes: { S: [{ exists: true }] } },
        { sk: { S: [firstEntrySortKey] } },
        { beatAt: { N: [{ exists: true }] } },
      ],
      // All of a shard in its order: a heartbeat says that what came before it was handled.
      parallelizationFactor: 1,
      batchingWindow: Duration.seconds(eventStream.statementsWindowSeconds),
      failures: this.streamFailures.queue,
    });
    access.allowWritingStatements(statements.function, this.tables);
    this.relays = [relay, timerRelay, statements];

    // The clock: what the stream or a queue lost, and the nightly proof that nothing is wrong.
    const sweeper = new ScheduledFunction(this, 'Sweeper', {
      ...setting,
      name: 'sweeper',
      description: 'Sends again what a stream or a queue lost',
      ...sweeperFunction,
      reservedConcurrency: concurrency.scheduled,
      schedule: Schedule.rate(Duration.minutes(sweeperFunction.everyMinutes)),
    });
    access.allowSweeping(sweeper.function, this.tables);
    const audit = new ScheduledFunction(this, 'Audit', {
      ...setting,
      name: 'audit',
      description: 'Checks ledgers, balances and messages of all tenants',
      ...auditFunction,
      reservedConcurrency: concurrency.scheduled,
      schedule: Schedule.cron({ minute: '0', hour: String(auditFunction.hourUtc) }),
    });
    access.allowAuditing(audit.function, this.tables);
    this.scheduled = [sweeper, audit];
    this.audit = audit.function;

    for (const topic of topics) bindQueue(relay.function, queueVariables[topic], workers[topic].queues.queue);
    bindQueue(timerRelay.function, queueVariables.timer, workers.timer.queues.queue);
    for (const [name, { queues }] of this.workers) {
      bindQueue(sweeper.function, queueVariables[name], queues.queue);
    }

    this.functions = [
      this.api,
      docs,
      ...this.relays.map((each) => each.function),
      ...[...this.workers.values()].map((each) => each.function),
      ...this.scheduled.map((each) => each.function),
    ];

    const alarms =
      stage.alarms === 'none' ? undefined : new Alarms(this, 'Alarms', { watched: this, stage, options });
    if (stage.dashboard) new Overview(this, 'Overview', { watched: this, stage, alarms });
    if (stage.canary) {
      new Canary(this, 'Canary', {
        functions: this.functions,
        alarms: options.hotfix === true || alarms === undefined ? new Map() : alarms.release,
      });
    }
    if (options.hotfix === true) {
      Annotations.of(this).addWarningV2(
        'commit-once:hotfix',
        'No alarm takes this deployment back. Once the alarms are off, deploy again without -c hotfix=true.',
      );
    }

    for (const { option, consequence } of stage.production ? gapsOf(options) : []) {
      Annotations.of(this).addWarningV2(`commit-once:${option}`, `Without -c ${option}= ${consequence}.`);
    }

    Tags.of(this).add('service', 'commit-once');
    Tags.of(this).add('stage', stage.name);

    new CfnOutput(this, 'ApiUrl', { value: this.edge.url });
    // By its id a server on one machine is asked for the API where the URL leads into the Internet.
    new CfnOutput(this, 'ApiId', {
      value: this.edge instanceof HttpEdge ? this.edge.api.apiId : this.edge.api.restApiId,
    });
    new CfnOutput(this, 'DataTable', { value: this.tables.data.tableName });
    new CfnOutput(this, 'OutboxTable', { value: this.tables.outbox.tableName });
    new CfnOutput(this, 'IdempotencyTable', { value: this.tables.idempotency.tableName });
    for (const [name, { queues }] of this.workers) {
      const prefix = name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
      new CfnOutput(this, `${prefix}QueueUrl`, { value: queues.queue.queueUrl });
      new CfnOutput(this, `${prefix}DeadLetterQueueUrl`, { value: queues.deadLetters.queueUrl });
    }
    new CfnOutput(this, 'StreamFailuresQueueUrl', { value: this.streamFailures.queue.queueUrl });
    new CfnOutput(this, 'ReportBucket', { value: reports.bucket.bucketName });
  }
}
