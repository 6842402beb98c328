/**
 * A refusal is a value: what the rules say no to. Kinds stand in order of precedence; a caller that breaks two
 * rules hears of the earlier one.
 */
import type { Rule } from './rules.ts';

export type RejectionKind =
  /** 404: no such entity for this tenant. */
  | 'not_found'
  /** 423: somebody else holds the lock. */
  | 'locked'
  /** 412: `If-Match` or `Lock-Token` is out of date. */
  | 'precondition'
  /** 403: this actor may not. */
  | 'forbidden'
  /** 409: the state machine or a rule says no. */
  | 'conflict'
  /** 422: the request refers to something that makes no sense. */
  | 'unprocessable';

export interface Rejection {
  readonly code: string;
  readonly kind: RejectionKind;
  /** One sentence for people; never internals. */
  readonly detail: string;
  /** Further members of the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * Whether a refusal is the command's final answer, kept under its idempotency key, or whether the same key may
 * try again: somebody's lock ends, and a right or an entity may appear.
 */
export function isFinal({ kind }: Rejection): boolean {
  return kind === 'conflict' || kind === 'precondition' || kind === 'unprocessable';
}

export const rejectedBy = ({ code, kind, detail }: Omit<Rule, 'test'>): Rejection => ({ code, kind, detail });

export const notFound: Rejection = {
  code: 'not_found',
  kind: 'not_found',
  detail: 'There is no such entity.',
};

export const roleMissing = (role: string): Rejection => ({
  code: 'role_missing',
  kind: 'forbidden',
  detail: `This needs a token with the role "${role}".`,
  members: { role },
});

export const versionMismatch = (version: number): Rejection => ({
  code: 'version_mismatch',
  kind: 'precondition',
  detail: 'The entity has changed since the version given in If-Match.',
  members: { version },
});

export const locked: Rejection = {
  code: 'locked',
  kind: 'locked',
  detail: 'The entity is locked; a command needs its Lock-Token.',
};

/** Somebody works on another entity that the command would change. */
export const otherLocked = (collection: string, id: string): Rejection => ({
  code: 'locked',
  kind: 'locked',
  detail: `An entity of ${collection} that this changes is locked.`,
  members: { collection, id },
});

export const lockLost: Rejection = {
  code: 'lock_lost',
  kind: 'precondition',
  detail: 'The Lock-Token does not hold the lock any more.',
};

/** Told to the clock only: the deadline it comes for is not, or no longer, the entity's. */
export const notDue: Rejection = {
  code: 'not_due',
  kind: 'conflict',
  detail: 'The entity does not wait for this deadline.',
};

/** Told to an upgrade only: another command, or another upgrade, has brought it about. */
export const upToDate: Rejection = {
  code: 'up_to_date',
  kind: 'conflict',
  detail: 'The entity is of the newest version.',
};

export const transitionNotAllowed = (
  transition: string,
  status: string,
  allowedTransitions: readonly string[],
): Rejection => ({
  code: 'transition_not_allowed',
  kind: 'conflict',
  detail: `"${transition}" is not allowed while the status is "${status}".`,
  // `status` of a problem document is the HTTP status (RFC 9457), so the entity's stands under its own name too.
  members: { entityStatus: status, allowedTransitions },
});

export const alreadyExists = (constraint: string): Rejection => ({
  code: 'already_exists',
  kind: 'conflict',
  detail: `The value is taken: ${constraint}.`,
  members: { constraint },
});

/** One run a match goes on at a time. */
export const redriveRunning = (run: string): Rejection => ({
  code: 'redrive_running',
  kind: 'conflict',
  detail: 'A redrive run of the same topic, type, code and entity goes on.',
  members: { run },
});

export const unknownReference = (collection: string, id: string): Rejection => ({
  code: 'unprocessable',
  kind: 'unprocessable',
  detail: `There is no such entity in ${collection}.`,
  members: { collection, id },
});
