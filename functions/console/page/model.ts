/** What the API answers with, as far as the console reads it. */

export type MessageStatus = 'pending' | 'sent' | 'waiting' | 'done' | 'dead';

export interface Call {
  readonly kind: 'call' | 'inquiry';
  readonly run: number;
  readonly attempt: number;
  readonly at: string;
  readonly sent?: string;
  readonly code: string;
  readonly reason: string;
  readonly certain: boolean;
}

export interface Message {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
  readonly entity: string;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly createdAt: string;
  readonly sentAt?: string;
  readonly doneAt?: string;
  readonly receiver?: string;
  readonly uncertain?: true;
  readonly waitingUntil?: string;
  readonly lastError?: {
    readonly reason: string;
    readonly code: string;
    readonly at: string;
    readonly answer?: string;
  };
  readonly calls?: readonly Call[];
  readonly result?: unknown;
  readonly refused?: { readonly code: string; readonly reason: string; readonly answer?: string };
  readonly answer?: {
    readonly outcome: string;
    readonly by: string;
    readonly at: string;
    readonly note?: string;
  };
  readonly answerWaits?: { readonly code: string; readonly at: string };
  readonly behind?: string;
}

export interface Entity {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly allowedTransitions: readonly string[];
  readonly [attribute: string]: unknown;
}

/** Who keeps others out of an entity, and what happens to it by itself. */
export interface Timing {
  readonly lock?: { readonly by?: string; readonly fence: number; readonly expiresAt: string };
  readonly deadline?: { readonly transition: string; readonly at: string };
}

export interface Entry {
  readonly seq: number;
  readonly command: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly postings: readonly { readonly account: string; readonly unit: string; readonly amount: number }[];
  readonly hash: string;
}

/** What an Idempotency-Key was answered. */
export interface KeptRequest {
  readonly key: string;
  readonly path: string;
  readonly subject: string;
  readonly requestId: string;
  readonly expiresAt: string;
  readonly answer: { readonly status: number; readonly body?: unknown };
  readonly entity?: string;
  readonly entry?: Entry;
}

/** Dead messages of one topic, type, code and receiver. */
export interface Group {
  readonly topic: string;
  readonly type: string;
  readonly code: string;
  readonly receiver?: string;
  readonly count: number;
  /** Those that are to be resolved: they may have acted and must not be called again. */
  readonly held: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface AuditPage {
  readonly ok: boolean;
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  readonly problems: readonly AuditProblem[];
  readonly nextCursor?: string;
}

export interface AuditProblem {
  readonly entity?: string;
  readonly seq?: number;
  readonly account?: string;
  readonly problem: string;
}

export interface Balance {
  readonly account: string;
  readonly unit?: string;
  readonly balance: number;
}

/** What one ledger entry did to an account. */
export interface StatementLine {
  readonly entity: string;
  readonly seq: number;
  readonly at: string;
  readonly amount: number;
  readonly command: string;
}

/** Which dead messages; what is left out means all. */
export interface LetterMatch {
  readonly topic?: string;
  readonly type?: string;
  readonly code?: string;
  readonly since?: string;
  readonly until?: string;
  readonly entity?: string;
}

interface RunCounts {
  readonly sent: number;
  readonly done: number;
  readonly deadAgain: number;
}

export interface RedriveRun extends RunCounts {
  readonly id: string;
  readonly state: 'running' | 'done' | 'stopped';
  readonly stoppedBecause?: 'failure_share' | 'operator';
  readonly stoppedBy?: string;
  readonly match: LetterMatch;
  readonly startedBy: string;
  readonly note?: string;
  readonly matched: number;
  /** There may be more: the search goes on. */
  readonly matchedAtLeast: boolean;
  /** They match too, are none of `matched`, and are resolved by hand. */
  readonly held: number;
  /** Not dead any more when their turn came. */
  readonly skipped: number;
  readonly steps: readonly (RunCounts & {
    readonly size: number;
    readonly startedAt: string;
    readonly endedAt?: string;
  })[];
  readonly createdAt: string;
}

/** What a run would do. */
export interface RedrivePreview {
  readonly matched: number;
  readonly matchedAtLeast: boolean;
  readonly held: number;
  /** Sizes of its first steps. */
  readonly ramp: readonly number[];
  readonly stopAtFailureShare: number;
}

/** What an operator did. */
export interface Operation {
  readonly id: string;
  readonly operation:
    'redriveMessage' | 'redriveMessages' | 'resolveMessage' | 'beginRedrive' | 'stopRedrive';
  readonly by: string;
  readonly at: string;
  readonly message?: string;
  readonly run?: string;
  readonly match?: LetterMatch;
  readonly outcome?: 'done' | 'refused';
  readonly note?: string;
}
