import type { Topic } from '../../functions/runtime/topics.ts';
import type { ServiceFunction } from './function.ts';
import type { HttpEdge } from './http-api.ts';
import type { FailureQueue } from './queues.ts';
import type { Relay } from './relay.ts';
import type { RestEdge } from './rest-api.ts';
import type { ScheduledFunction } from './schedule.ts';
import type { Tables } from './tables.ts';
import type { Worker } from './worker.ts';

/** The parts of a stack that alarms and the dashboard look at. */
export interface WatchedStack {
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
}
