/**
 * The safe path of every command: read and guard the state, decide, commit once, answer. Whoever meets others on
 * the way decides again on what the winner left, until it gets an answer of its own.
 */
import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { decideCreate } from '../core/decide.ts';
import type { Command, Decision, Verdict } from '../core/decide.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import type { Registry } from '../core/registry.ts';
import type { Clock, Deadline } from '../runtime/clock.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { commit } from '../store/transaction/commit.ts';
import type { CommitOutcome } from '../store/transaction/commit.ts';
import type { Store } from '../store/store.ts';
import type { Answer } from '../store/transaction/idempotency-record.ts';
import { startDeadline, tooLate, waitForTurn } from './attempts.ts';
import { countOutcome } from './command-metrics.ts';
import { decideOn, looked } from './decisions.ts';
import type { KeyContext, ReplayableAnswer, RunOnce } from './idempotency.ts';
import { recordOf, refuse, settle, waitOrLook } from './key-answers.ts';
import { commandAnswer } from './view.ts';

/** What the commands and queries of the API work with. */
export interface Backend {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly runOnce: RunOnce;
  readonly metrics?: MetricWriter | undefined;
}

/** A checked request for a command. */
export interface CommandRequest {
  readonly tenant: string;
  readonly subject: string;
  /** Path as the caller sent it, without the query. */
  readonly path: string;
  readonly idempotencyKey: string;
  readonly requestId: string;
  readonly traceparent?: string | undefined;
  readonly ifMatch?: number | undefined;
  readonly lockToken?: string | undefined;
  /** Of a scheduled transition: the deadline that has come, epoch milliseconds. */
  readonly dueAt?: number | undefined;
  readonly input: Readonly<Record<string, unknown>>;
}

const nextUlid = monotonicFactory();

/** Creates an entity. */
export function executeCreate(
  backend: Backend,
  domain: Domain,
  request: CommandRequest,
): Promise<ReplayableAnswer> {
  const command = commandOf(
    backend,
    domain,
    'create',
    `${domain.idPrefix}_${nextUlid(backend.clock.now())}`,
    request,
  );
  return execute(backend, request, [], (call, deadline) => {
    let attempts = 0;
    const decide = (now: number): Promise<Verdict> => {
      const verdict = decideCreate(backend.registry, { ...command, now });
      attempts += 1;
      // Nothing is read before the first attempt. Whoever had to wait looks first: a read is in nobody's way.
      return attempts === 1 ? Promise.resolve(verdict) : looked(backend, command, verdict, call.signal);
    };
    return untilAnswered(backend, request, command, call, deadline, { decide, learn: () => undefined });
  });
}

/** Moves an entity along a transition. */
export function executeTransition(
  backend: Backend,
  domain: Domain,
  transition: string,
  id: string,
  request: CommandRequest,
): Promise<ReplayableAnswer> {
  const named = domain.transitions[transition]?.reads?.(request.input).map((reference) => reference.id) ?? [];
  return execute(backend, request, [id, ...named], (call, deadline) => {
    const command = commandOf(backend, domain, transition, id, request);
    const known = new Map(call.entities);
    return untilAnswered(backend, request, command, call, deadline, {
      decide: (now) => decideOn(backend, { ...command, now }, known, call.signal),
      learn: (states, isFresh) => {
        // After a long wait what the winner left is old again, and a read costs less than a cancelled transaction.
        if (!isFresh) known.clear();
        for (const [stateId, state] of states) known.set(stateId, state);
      },
    });
  });
}

function commandOf(
  backend: Backend,
  domain: Domain,
  name: string,
  id: string,
  request: CommandRequest,
): Command {
  const { tenant, subject, input, ifMatch, lockToken, dueAt } = request;
  return {
    tenant,
    domain,
    name,
    id,
    input,
    actor: subject,
    now: backend.clock.now(),
    random: randomBytes(16).toString('base64url'),
    ...(ifMatch !== undefined && { ifMatch }),
    ...(lockToken !== undefined && { lockToken }),
    ...(dueAt !== undefined && { dueAt }),
  };
}

/** Runs work under the request's key and deadline. */
export function execute(
  backend: Backend,
  request: Omit<CommandRequest, 'ifMatch'>,
  ids: readonly string[],
  work: (call: KeyContext, deadline: Deadline) => Promise<Answer>,
): Promise<ReplayableAnswer> {
  const { tenant, subject, path, idempotencyKey: key, requestId, input } = request;
  const deadline = startDeadline(backend.clock);
  const answer = backend.runOnce(
    { scope: { tenant, subject, method: 'POST', path, key }, payload: input },
    { tenant, requestId, ids, signal: deadline.signal },
    (call) => work(call, deadline),
  );
  return countOutcome(backend.metrics, answer);
}

interface Attempt {
  readonly decide: (now: number) => Promise<Verdict>;
  /** Takes in what winners left behind; it is not fresh where the command waits before it decides again. */
  readonly learn: (states: ReadonlyMap<string, EntityState>, isFresh: boolean) => void;
}

async function untilAnswered(
  backend: Backend,
  request: CommandRequest,
  command: Command,
  call: KeyContext,
  deadline: Deadline,
  { decide, learn }: Attempt,
): Promise<Answer> {
  let isUnknown = false;
  for (let defeats = 1; ; defeats += 1) {
    let isKeyBusy = false;
    // Each attempt looks at the clock anew: a lock may have run out while the command waited.
    const now = backend.clock.now();
    const began = performance.now();
    const verdict = await decide(now);
    if (verdict.kind === 'rejected')
      return refuse(backend, request, call, deadline, verdict.rejection, isUnknown);
    const [change] = verdict.decision.entities;
    const answer = commandAnswer(command.domain, change.after, change.before === undefined);
    const outcome = await commitOnce(
      backend,
      request,
      call,
      { tenant: command.tenant, now },
      verdict.decision,
      answer,
    );
    switch (outcome.kind) {
      case 'committed':
        return answer;
      case 'duplicate':
        return settle(request, outcome.record);
      case 'rejected':
        return refuse(backend, request, call, deadline, outcome.rejection, isUnknown);
      case 'stale': {
        backend.metrics?.add('CommandAttemptsLost', 1);
        // The first loser goes on at once with the state it was handed. Later ones spread out and read again,
        // unless that state has said no already.
        learn(outcome.states, true);
        if (defeats === 1) continue;
        const again = await decide(now);
        if (again.kind === 'rejected') {
          return refuse(backend, request, call, deadline, again.rejection, isUnknown);
        }
        learn(new Map(), false);
        break;
      }
      case 'unknown':
        isUnknown = true;
        learn(new Map(), false);
        break;
      case 'conflict':
        ({ isKeyBusy } = outcome);
        backend.metrics?.add('CommandAttemptsLost', 1);
        learn(new Map(), false);
        break;
      default:
        return outcome satisfies never;
    }
    const attemptMs = performance.now() - began;
    const wait = waitForTurn(defeats, deadline, tooLate({ isUnknown, isKeyBusy }), attemptMs);
    const told = await waitOrLook(backend, request, call, isUnknown, wait);
    if (told) return told;
  }
}

function commitOnce(
  { store }: Backend,
  { requestId, traceparent, lockToken }: CommandRequest,
  call: KeyContext,
  { tenant, now }: Pick<Command, 'tenant' | 'now'>,
  decision: Decision,
  answer: Answer,
): Promise<CommitOutcome> {
  const context = { tenant, now, requestId, traceparent, lockToken };
  // Sent late, a transaction would find the lock as it was judged here, so it is given up with the lock. The next
  // attempt then keeps `lock_lost` under the key, and whatever is still on its way to the database meets that.
  const { lock } = decision.entities[0].before ?? {};
  const signal =
    lockToken !== undefined && lock
      ? AbortSignal.any([call.signal, AbortSignal.timeout(Math.max(lock.expiresAt - now, 0))])
      : call.signal;
  return commit(store, context, decision, recordOf(call)(answer), signal);
}
