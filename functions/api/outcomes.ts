/** The one place where commands become HTTP: the answer that is kept under a key, and what each outcome is told as. */
import type { Result } from '../commands/command.ts';
import type { Outcome } from '../commands/outcome.ts';
import { timestamp } from '../runtime/clock.ts';
import { problemBody, problemOf, ProblemError, retrySoon } from './problem.ts';
import type { Problem } from './problem.ts';
import { entityView, etagOf, locationOf } from './view.ts';

/** What a caller is answered, byte for byte. */
export interface HttpAnswer {
  readonly status: number;
  /** JSON text; empty for 204. */
  readonly body: string;
  readonly location?: string;
  readonly etag?: string;
}

/** Makes the answer of a request's command; it is kept under the key and replayed. */
export const answerOf =
  ({ requestId, path }: { readonly requestId: string; readonly path: string }) =>
  (result: Result): HttpAnswer => {
    switch (result.kind) {
      case 'created':
      case 'changed': {
        const { kind, domain, entity } = result;
        return {
          status: kind === 'created' ? 201 : 200,
          body: JSON.stringify(entityView(domain, entity)),
          etag: etagOf(entity),
          ...(kind === 'created' && { location: locationOf(domain, entity.id) }),
        };
      }
      case 'locked': {
        const { token, fence, expiresAt } = result.lock;
        return { status: 200, body: JSON.stringify({ token, fence, expiresAt: timestamp(expiresAt) }) };
      }
      case 'unlocked':
        return { status: 204, body: '' };
      case 'begun':
        return { status: 202, body: JSON.stringify(result.view) };
      case 'refused': {
        const problem = problemOf(result.rejection);
        return { status: problem.status, body: problemBody(problem, requestId, path) };
      }
      default:
        return result satisfies never;
    }
  };

/**
 * The response of an outcome.
 * @throws ProblemError for what no key keeps
 */
export function responseOf(outcome: Outcome): Response {
  switch (outcome.kind) {
    case 'committed':
    case 'refused':
      return kept(outcome.answer as HttpAnswer);
    case 'replayed': {
      const response = kept(outcome.answer as HttpAnswer);
      response.headers.set('idempotent-replayed', 'true');
      return response;
    }
    case 'refused_for_now':
      throw new ProblemError(problemOf(outcome.rejection));
    case 'key_reused':
      throw new ProblemError(keyReused);
    case 'contended':
      throw new ProblemError(contended);
    case 'in_progress':
      throw new ProblemError(requestInProgress);
    case 'unknown':
      throw new ProblemError(outcomeUnknown);
    case 'unavailable':
      throw new ProblemError(unavailable, outcome.cause);
    default:
      return outcome satisfies never;
  }
}

/** A kept answer goes out byte for byte. */
function kept({ status, body, location, etag }: HttpAnswer): Response {
  const headers = new Headers();
  if (body !== '')
    headers.set('content-type', status < 400 ? 'application/json' : 'application/problem+json');
  if (location !== undefined) headers.set('location', location);
  if (etag !== undefined) headers.set('etag', etag);
  return new Response(status === 204 ? null : body, { status, headers });
}

const keyReused: Problem = {
  status: 422,
  code: 'idempotency_key_reused',
  detail: 'The Idempotency-Key was used with another body.',
};

export const contended: Problem = {
  status: 503,
  code: 'contended',
  detail: 'Too many commands met on this entity. Nothing was changed; try again with the same key.',
  headers: retrySoon,
};

/** The key's record is in a transaction: a duplicate of this request is being carried out, and has not ended in time. */
export const requestInProgress: Problem = {
  status: 409,
  code: 'request_in_progress',
  detail: 'The first request of this key is still running. Try again with the same key for its answer.',
  headers: retrySoon,
};

const outcomeUnknown: Problem = {
  status: 503,
  code: 'outcome_unknown',
  detail:
    'The database did not answer in time. The same key tells what became of the command, and is safe to repeat.',
  headers: retrySoon,
};

export const unavailable: Problem = {
  status: 503,
  code: 'unavailable',
  detail: 'A service did not answer in time. Try again with the same key.',
  headers: retrySoon,
};
