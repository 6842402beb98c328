/** One execution of a command, from its beginning to its outcome: its key, its time, and what has happened so far. */
import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { EntityState } from '../core/entity.ts';
import type { Deadline } from '../runtime/clock.ts';
import { startDeadline } from '../runtime/deadline.ts';
import type { Backend } from './backend.ts';
import type { AnswerCommand, KeyedCommand } from './command.ts';
import type { FreshKey } from './idempotency-keys.ts';

/** What makes a command happen once: its key, which its transaction takes, or the message that ends in it. */
export type Once =
  | { readonly request: KeyedCommand; readonly key: FreshKey }
  | { readonly request: AnswerCommand; readonly key?: undefined };

export type Execution = ExecutionState & Once;
export type KeyedExecution = Extract<Execution, { readonly key: FreshKey }>;

interface ExecutionState {
  readonly backend: Backend;
  /** The entity it is about; a new one has its id before the first attempt. */
  readonly id: string;
  /** 128 random bits, base64url, the same for every attempt. */
  readonly random: string;
  /** As many again, which no definition is handed. */
  readonly seed: string;
  /** When it began, epoch milliseconds. */
  readonly begunAt: number;
  readonly deadline: Deadline;
  /** States by id, as far as they were read; `undefined` where there is no such entity. */
  readonly known: Map<string, EntityState | undefined>;
  /** Whether these were read at several moments, so that they may never have been true together. */
  isMixed: boolean;
  /** Gives back the items of accounts that its next transaction was to come to. */
  leaveItems: () => void;
  /** How often another transaction was at an item of its own. */
  meetings: number;
  /** Whether an attempt may have committed, or may still: its answer never came. */
  isUnknown: boolean;
  /** What stood in the way last. */
  lastObstacle: 'race' | 'key' | 'lock' | undefined;
}

const nextUlid = monotonicFactory();

export function beginExecution(
  backend: Backend,
  once: Once,
  deadline: Deadline = startDeadline(backend.clock),
): Execution {
  const begunAt = backend.clock.now();
  const { request } = once;
  return {
    ...once,
    backend,
    id: request.kind === 'create' ? `${request.domain.idPrefix}_${nextUlid(begunAt)}` : request.id,
    random: randomBytes(16).toString('base64url'),
    seed: randomBytes(16).toString('base64url'),
    begunAt,
    deadline,
    known: new Map(),
    isMixed: false,
    leaveItems: () => undefined,
    meetings: 0,
    isUnknown: false,
    lastObstacle: undefined,
  };
}
