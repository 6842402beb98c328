/**
 * CloudWatch metrics of our own: what the services' own metrics cannot tell. The functions write them, the alarms
 * and the dashboard show them, and both take the names from here.
 *
 * Each combination of values of the dimensions is a custom metric of its own, at $0.30 a month for those hours in
 * which it is written (https://aws.amazon.com/cloudwatch/pricing/, us-east-1, collected in November 2026). The
 * dimensions are the stage and, where it matters, the topic: 37 combinations, $11.10 a month and stage where each is
 * written every hour. A tenant, an entity or a route as dimension would multiply that by their number; the logs have
 * them. Beside that a line of 0.2 kB goes to the logs ($0.50 a GB), so about $0.10 for a million commands.
 *
 * What AWS counts for nothing is not counted again: messages sent and waiting (`AWS/SQS`), the age of a stream
 * (`AWS/Lambda`), requests and their latency (`AWS/ApiGateway`).
 */
import { topics } from './topics.ts';
import type { Topic } from './topics.ts';

export const metricNamespace = 'CommitOnce';

/** The topics of messages, and the queue of scheduled transitions. */
const queues = [...topics, 'timer'] as const;

export interface MetricDefinition {
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** Values of the dimension `topic`; a metric without any has the dimension `stage` alone. */
  readonly topics: readonly (Topic | 'timer')[];
}

/**
 * All of them, by name. A value that is not there stands for 0, since a function writes what happened; the
 * exceptions say so.
 */
export const metrics = {
  /** Commands that changed something, scheduled transitions and locks among them. */
  CommandsCommitted: { unit: 'Count', topics: [] },
  /** Commands that a rule, a lock or a version forbade, or whose entity is not there. Malformed ones are none. */
  CommandsRefused: { unit: 'Count', topics: [] },
  /** Commands answered from the record of their key: the caller, or a queue, sent them twice. */
  CommandsReplayed: { unit: 'Count', topics: [] },
  /** Attempts of commands that lost a race, so that another one had to follow. */
  CommandAttemptsLost: { unit: 'Count', topics: [] },
  /** Transitions that the clock began and that are committed, each counted once. */
  ScheduledTransitions: { unit: 'Count', topics: [] },

  /** Messages whose receiver acted, each counted once. */
  MessagesDone: { unit: 'Count', topics },
  /**
   * From the commit of the command to the receiver's answer. A redriven message is left out: it waited for a person,
   * which says nothing of the backend.
   */
  DeliveryLatency: { unit: 'Milliseconds', topics },
  /** Attempts after which a message or a scheduled transition is not done: its receiver's failures and our own. */
  AttemptsFailed: { unit: 'Count', topics: queues },
  /** Given up: after the last attempt, for good by the receiver's word, or because nobody can read it. */
  MessagesDead: { unit: 'Count', topics: queues },
  /** Receivers that said yes and no to one message. The first answer counts, and a person has to look at the other. */
  AnswerConflicts: { unit: 'Count', topics: [] },
  /**
   * How long the message waits that waits longest: for a callback, for its receiver to tell what it did, for its entity, or
   * behind another one. Not written where none does.
   */
  OldestWaitingAge: { unit: 'Seconds', topics: [] },
  /** What its queue did not take. It stays in the table, and is sent again by the stream or by the sweeper. */
  MessagesNotSent: { unit: 'Count', topics: queues },
  /** What the stream or a queue had lost and the sweeper sent; of timers also those too far away for a queue. */
  MessagesSwept: { unit: 'Count', topics: queues },

  /**
   * Problems that stand after a run of the nightly audit, those of earlier nights among them until a full audit of
   * their tenant has ended without them. 0 is written too, so that a missing value means a missing run.
   */
  AuditProblems: { unit: 'Count', topics: [] },
  /** Whatever is in the table was part of a full audit that began this long before the end of a run, or less. */
  OldestAuditAge: { unit: 'Seconds', topics: [] },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metrics;

/** The topics of a metric; `never` where it has none. */
export type TopicOf<Name extends MetricName> = (typeof metrics)[Name]['topics'][number];
