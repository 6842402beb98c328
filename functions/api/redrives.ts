/** Redrives as a rollout: begun, looked at and stopped here; carried on by the timer's worker. */
import { monotonicFactory } from 'ulid';
import type { BeginCommand } from '../commands/command.ts';
import { stepSizes } from '../core/ramp.ts';
import { advance, newRun, stopped, totals } from '../core/redrive-run.ts';
import type { Counts, LetterMatch, RedriveRun, Step } from '../core/redrive-run.ts';
import * as rejections from '../core/rejections.ts';
import { redriveRun as limits } from '../runtime/delivery-limits.ts';
import { operationItem } from '../store/operations/log.ts';
import { timeForMore } from '../store/outbox/message-groups.ts';
import { listRuns, readRun, runItems, saveRun } from '../store/redrives/runs.ts';
import { findLetters } from '../store/redrives/search.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { operationOf } from './operator-log.ts';
import type { Operator } from './operator-log.ts';
import { outboxOf } from './outbox-access.ts';
import { contended } from './outcomes.ts';
import { problemOf, ProblemError } from './problem.ts';
import type { Page, PageRequest, ReadContext } from './queries.ts';

/** What is asked for, with what the schema adds. */
export interface RedriveRequest {
  readonly match: LetterMatch;
  readonly dryRun: boolean;
  readonly startWith: number;
  readonly factor: number;
  readonly stopAtFailureShare: number;
  readonly note?: string | undefined;
}

export type RedriveView = Counts &
  Pick<
    RedriveRun,
    | 'id'
    | 'state'
    | 'stoppedBecause'
    | 'stoppedBy'
    | 'match'
    | 'startWith'
    | 'factor'
    | 'stopAtFailureShare'
    | 'startedBy'
    | 'note'
    | 'held'
    | 'createdAt'
    | 'updatedAt'
    | 'endedAt'
  > & {
    readonly matched: number;
    /** Whether there may be more: the search goes on. */
    readonly matchedAtLeast: boolean;
    /** The newest, the oldest of them first; the last one may be under way. */
    readonly steps: readonly Step[];
  };

export function redriveView(run: RedriveRun): RedriveView {
  const { id, state, stoppedBecause, stoppedBy, match, startedBy, note, held } = run;
  const { startWith, factor, stopAtFailureShare, createdAt, updatedAt, endedAt, step, steps } = run;
  return {
    id,
    state,
    stoppedBecause,
    stoppedBy,
    match,
    startWith,
    factor,
    stopAtFailureShare,
    startedBy,
    note,
    matched: run.listed,
    matchedAtLeast: !run.isListed,
    held,
    ...totals(run),
    steps: step === undefined ? steps : [...steps, step],
    createdAt,
    updatedAt,
    endedAt,
  };
}

/** What a run would do. Nothing is written. */
export interface RedrivePreview extends Omit<RedriveRequest, 'dryRun' | 'note'> {
  readonly dryRun: true;
  readonly matched: number;
  readonly matchedAtLeast: boolean;
  readonly held: number;
  /** Sizes of its first steps. */
  readonly ramp: readonly number[];
}

export async function previewRedrive(
  context: ReadContext,
  { match, startWith, factor, stopAtFailureShare }: RedriveRequest,
): Promise<RedrivePreview> {
  const hasTime = timeForMore(context);
  const createdAt = new Date(context.backend.clock.now()).toISOString();
  let matched = 0;
  let held = 0;
  let listPosition: string | undefined;
  do {
    const run = { tenant: context.tenant, match, createdAt, listPosition };
    const part = await findLetters(outboxOf(context), run, hasTime);
    matched += part.count;
    held += part.held;
    listPosition = part.position;
  } while (listPosition !== undefined && hasTime());
  const { stepMax, stepsShown } = limits;
  return {
    dryRun: true,
    match,
    startWith,
    factor,
    stopAtFailureShare,
    matched,
    matchedAtLeast: listPosition !== undefined,
    held,
    ramp: stepSizes(matched, { startWith, factor }, { stepMax, stepsMax: stepsShown }),
  };
}

const nextUlid = monotonicFactory();

/** The part of a command that begins a run: its first messages are listed, and its first step is due. */
export async function redriveToBegin(
  context: ReadContext,
  operator: Operator,
  { match, startWith, factor, stopAtFailureShare, note }: RedriveRequest,
): Promise<Pick<BeginCommand, 'kind' | 'id' | 'items' | 'view'>> {
  const { backend, tenant } = context;
  const now = backend.clock.now();
  const id = `rdr_${nextUlid(now)}`;
  const ramp = { startWith, factor, stopAtFailureShare };
  const empty = newRun({ ...ramp, id, tenant, match, startedBy: operator.subject, note, now });
  const { letters, ...part } = await findLetters(outboxOf(context), empty, timeForMore(context));
  const run = advance(empty, { part }, now);
  const { tables } = backend.store;
  const operation = operationOf(context, operator, { operation: 'beginRedrive', run: id, match, note });
  const items = [...runItems(tables, undefined, run, letters), operationItem(tables.data, operation)];
  return { kind: 'begin', id, items, view: redriveView(run) };
}

/** @throws ProblemError 404 */
export async function getRedrive(
  { backend: { store }, tenant, deadline }: ReadContext,
  id: string,
): Promise<RedriveRun> {
  const run = redriveId.test(id) ? await readRun(store, tenant, id, deadline.signal) : undefined;
  if (run === undefined) throw new ProblemError(problemOf(rejections.notFound));
  return run;
}

const redriveId = /^rdr_[0-9A-HJKMNP-TV-Z]{26}$/;

/** Newest first. */
export async function listRedrives(
  { backend: { store }, tenant, deadline }: ReadContext,
  { limit, cursor }: PageRequest,
): Promise<Page<RedriveView>> {
  const list = [tenant, 'redrives'];
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor, redriveId);
  const { runs, isComplete } = await listRuns(store, tenant, { limit, before }, deadline.signal);
  const last = runs.at(-1);
  return {
    items: runs.map(redriveView),
    ...(!isComplete && last && { nextCursor: encodeCursor(list, last.id) }),
  };
}

/**
 * Safe to repeat: one that has ended is left as it is.
 * @throws ProblemError 404, and 503 where it was carried on each time that it was to be stopped
 */
export async function stopRedrive(
  context: ReadContext,
  id: string,
  operator: Operator,
  note?: string,
): Promise<RedriveView> {
  const { backend, deadline } = context;
  const operation = operationOf(context, operator, { operation: 'stopRedrive', run: id, note });
  const beside = [operationItem(backend.store.tables.data, operation)];
  for (let tries = 0; tries < limits.stopTries; tries += 1) {
    const run = await getRedrive(context, id);
    if (run.state !== 'running') return redriveView(run);
    const after = stopped(run, operator.subject, backend.clock.now());
    if (await saveRun(backend.store, run, after, { beside, signal: deadline.signal }))
      return redriveView(after);
  }
  throw new ProblemError(contended);
}
