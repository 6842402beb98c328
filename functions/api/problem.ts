/** Problem documents (RFC 9457) and the one place where refusals become HTTP status codes. */
import type { Rejection, RejectionKind } from '../core/rejections.ts';

export interface Problem {
  readonly status: number;
  /** Stable and machine-readable. */
  readonly code: string;
  readonly detail?: string;
  /** Further members of the document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request before a decision: nothing is kept under its key, and the same key may try again. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** @param cause what of ours failed, for the log; the caller is not told */
  constructor(problem: Problem, cause?: unknown) {
    super(problem.code, { cause });
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

const statusOf: Readonly<Record<RejectionKind, number>> = {
  not_found: 404,
  locked: 423,
  precondition: 412,
  forbidden: 403,
  conflict: 409,
  unprocessable: 422,
};

/** The fewest whole seconds there are: a lock is mostly given up long before it runs out, and a crowd thins out. */
export const retrySoon = { 'retry-after': '1' } as const;

export const problemOf = ({ code, kind, detail, members }: Rejection): Problem => ({
  status: statusOf[kind],
  code,
  detail,
  ...(members && { members }),
  ...(kind === 'locked' && { headers: retrySoon }),
});

/** https://www.iana.org/assignments/http-status-codes */
const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  423: 'Locked',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The document as JSON text. A 5xx says nothing but which request it was. */
export function problemBody(problem: Problem, requestId: string, instance: string): string {
  const { status, code, detail, members } = problem;
  const title = titles[status] ?? 'Error';
  const isInternal = status === 500;
  return JSON.stringify({
    type: isInternal ? 'about:blank' : `urn:commit-once:problem:${code}`,
    title,
    status,
    ...(!isInternal && { detail: detail ?? title, instance, code, ...members }),
    requestId,
  });
}
