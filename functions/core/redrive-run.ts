/** A redrive as a rollout: what a run is, and what comes next of what was seen. Pure. */
import { timestamp } from '../runtime/clock.ts';
import { redriveRun as limits } from '../runtime/delivery-limits.ts';
import type { Topic } from '../runtime/topics.ts';
import { failsTooOften, nextSize } from './ramp.ts';
import type { Ramp } from './ramp.ts';

/** Which dead messages; each field that is left out means all of them. */
export interface LetterMatch {
  readonly topic?: Topic | undefined;
  readonly type?: string | undefined;
  /** Of the last error. */
  readonly code?: string | undefined;
  /** RFC 3339 UTC: those that died then or later. */
  readonly since?: string | undefined;
  /** RFC 3339 UTC: those that died then or earlier. */
  readonly until?: string | undefined;
  /** Id of the entity that caused it. */
  readonly entity?: string | undefined;
}

/** What became of messages that a run took on. Those that are neither `done`, `deadAgain` nor `waiting` are on their way. */
export interface Counts {
  /** Run again by this run. */
  readonly sent: number;
  readonly done: number;
  readonly deadAgain: number;
  /** Their receiver took them, and says by a callback what became of them. */
  readonly waiting: number;
  /** Not dead any more when their turn came. */
  readonly skipped: number;
}

const none: Counts = { sent: 0, done: 0, deadAgain: 0, waiting: 0, skipped: 0 };

export interface Step extends Counts {
  /** Messages it has. */
  readonly size: number;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
}

export const runStates = ['running', 'done', 'stopped'] as const;
export const stopReasons = ['failure_share', 'operator'] as const;

export interface RedriveRun extends Ramp {
  /** `rdr_<ULID>` */
  readonly id: string;
  readonly tenant: string;
  readonly match: LetterMatch;
  readonly startedBy: string;
  /** What was written about it by who started it. */
  readonly note?: string | undefined;
  readonly state: (typeof runStates)[number];
  readonly stoppedBecause?: (typeof stopReasons)[number] | undefined;
  readonly stoppedBy?: string | undefined;
  /** RFC 3339 UTC. Messages that died later are none of its. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** When its last step ended, or it was stopped. */
  readonly endedAt?: string | undefined;
  /** Messages that were found so far; all, where `isListed`. */
  readonly listed: number;
  /** Messages that match and may have acted: they are resolved, not redriven. */
  readonly held: number;
  readonly isListed: boolean;
  /** Where the search for more goes on. */
  readonly listPosition?: string | undefined;
  /** Messages of all steps so far, the one under way included. */
  readonly taken: number;
  /** Size of the next step. */
  readonly nextSize: number;
  /** Of the steps that have ended. */
  readonly ended: Counts;
  /** The one under way. */
  readonly step?: Step | undefined;
  /** The newest that have ended, the oldest of them first. */
  readonly steps: readonly Step[];
  /** Epoch milliseconds: when it is carried on. None where nothing is left to do. */
  readonly dueAt?: number | undefined;
  /** Grows with each write, and each write asks for the one before. */
  readonly revision: number;
}

/** What was found of the messages that a run is about. */
export interface ListedPart {
  readonly count: number;
  readonly held: number;
  /** Where to go on; none at the end. */
  readonly position: string | undefined;
}

/** What became of the step under way. */
export interface Look extends Counts {
  /** On their way. */
  readonly open: number;
  /** Not run again yet: this step was cut short. */
  readonly unsent: number;
}

export type NewRun = Ramp &
  Pick<RedriveRun, 'id' | 'tenant' | 'match' | 'startedBy' | 'note'> & { readonly now: number };

/** A run of whose messages nothing is known yet. */
export const newRun = ({ now, ...given }: NewRun): RedriveRun => ({
  ...given,
  state: 'running',
  createdAt: timestamp(now),
  updatedAt: timestamp(now),
  listed: 0,
  held: 0,
  isListed: false,
  taken: 0,
  nextSize: given.startWith,
  ended: none,
  steps: [],
  revision: 0,
});

/**
 * A run after what was seen of it. Whatever is read or sent in its name is decided here, and written before it is done:
 * a step is on record before its first message goes out, so that whoever carries on knows which messages it has.
 * @param now epoch milliseconds
 */
export function advance(
  run: RedriveRun,
  { part, look }: { readonly part?: ListedPart | undefined; readonly look?: Look | undefined },
  now: number,
): RedriveRun {
  const touched = { ...run, updatedAt: timestamp(now), revision: run.revision + 1, dueAt: undefined };
  const seen = withStep(withPart(touched, part), look, now);
  if (seen.step !== undefined) return dueLater(run, { ...seen, dueAt: nextLook(seen, seen.step, look, now) });
  return seen.state === 'running' ? dueLater(run, withNextStep(seen, now)) : seen;
}

/** The stream takes a run to the timer's queue when its due time has changed. */
const dueLater = (before: RedriveRun, after: RedriveRun): RedriveRun =>
  after.dueAt === undefined
    ? after
    : { ...after, dueAt: Math.max(Math.ceil(after.dueAt), (before.dueAt ?? 0) + 1) };

/** Stops it at once: no further step begins. What is on its way goes on, and is still looked at. */
export const stopped = (run: RedriveRun, by: string, now: number): RedriveRun => ({
  ...stoppedAs(run, 'operator', now),
  stoppedBy: by,
  updatedAt: timestamp(now),
  revision: run.revision + 1,
  // By then a worker that is sending the step at this moment has come to its end.
  dueAt: run.step === undefined ? undefined : now + limits.budgetMs,
});

const stoppedAs = (run: RedriveRun, because: RedriveRun['stoppedBecause'], now: number): RedriveRun => ({
  ...run,
  state: 'stopped',
  stoppedBecause: because,
  endedAt: timestamp(now),
});

const withPart = (run: RedriveRun, part: ListedPart | undefined): RedriveRun =>
  part === undefined
    ? run
    : {
        ...run,
        listed: run.listed + part.count,
        held: run.held + part.held,
        isListed: part.position === undefined,
        listPosition: part.position,
      };

function withStep(run: RedriveRun, look: Look | undefined, now: number): RedriveRun {
  if (run.step === undefined || look === undefined) return run;
  const { open, unsent, ...counts } = look;
  const step = { ...run.step, ...counts };
  // Its share can only grow from here on, so that it need not be waited for.
  const fails = run.state === 'running' && unsent === 0 && failsTooOften(counts, run);
  const judged = fails ? stoppedAs(run, 'failure_share', now) : run;
  // Of a run that was stopped, what was not sent stays where it is.
  const isOver = open === 0 && (unsent === 0 || judged.state === 'stopped');
  if (!isOver) return { ...judged, step };
  return {
    ...judged,
    step: undefined,
    steps: [...run.steps, { ...step, endedAt: timestamp(now) }].slice(-limits.stepsKept),
    ended: sum(run.ended, counts),
    nextSize: nextSize(run.nextSize, run, limits.stepMax),
  };
}

/** @returns when the step is looked at again, epoch milliseconds */
function nextLook(run: RedriveRun, step: Step, look: Look | undefined, now: number): number | undefined {
  if (run.state === 'running' && (look?.unsent ?? 0) > 0) return now;
  if (run.state === 'stopped' && now - Date.parse(run.endedAt ?? run.updatedAt) > limits.lookAfterStopMs)
    return undefined;
  const age = now - Date.parse(step.startedAt);
  return now + Math.min(Math.max(age * limits.lookShareOfAge, limits.lookMinMs), limits.lookMaxMs);
}

function withNextStep(run: RedriveRun, now: number): RedriveRun {
  const left = run.listed - run.taken;
  // A step is whole, unless it is the last one.
  if (left < run.nextSize && !run.isListed) return { ...run, dueAt: now };
  if (left === 0) return { ...run, state: 'done', endedAt: timestamp(now) };
  const size = Math.min(left, run.nextSize);
  const step: Step = { size, ...none, startedAt: timestamp(now) };
  return { ...run, taken: run.taken + size, step, dueAt: now + limits.lookMinMs };
}

/** Of all steps. */
export const totals = ({ ended, step }: Pick<RedriveRun, 'ended' | 'step'>): Counts =>
  sum(ended, step ?? none);

const sum = (one: Counts, other: Counts): Counts => ({
  sent: one.sent + other.sent,
  done: one.done + other.done,
  deadAgain: one.deadAgain + other.deadAgain,
  waiting: one.waiting + other.waiting,
  skipped: one.skipped + other.skipped,
});
