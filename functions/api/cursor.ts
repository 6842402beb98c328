/**
 * Cursors: the place where a list goes on, opaque to the caller. A cursor only ever names a position; whose list
 * it is comes from the token and the path, so a forged one cannot show another tenant's data. The digest binds it
 * to the list it came from, so that one used elsewhere is refused instead of giving odd pages.
 */
import { createHash } from 'node:crypto';
import { ProblemError } from './problem.ts';

/** What tells one list from another: tenant, path and filters. */
export type ListIdentity = readonly (string | undefined)[];

const digest = (list: ListIdentity, position: string): string =>
  createHash('sha256')
    .update(JSON.stringify([list, position]))
    .digest('base64url')
    .slice(0, 16);

export function encodeCursor(list: ListIdentity, position: string): string {
  return Buffer.from(JSON.stringify([position, digest(list, position)])).toString('base64url');
}

/**
 * The digest takes no secret, so whoever reads this can make a cursor; that shows no more than paging on would.
 * @param form what a position of this list looks like, so that a made-up one never reaches the database
 * @throws ProblemError 400
 */
export function decodeCursor(list: ListIdentity, cursor: string, form = /^[\x20-\x7e]{1,1000}$/): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === 2) {
      const [position, bound] = value as unknown[];
      const isPosition = typeof position === 'string' && form.test(position);
      if (isPosition && bound === digest(list, position)) return position;
    }
  } catch {
    // Answered below, with everything else that is no cursor of this list.
  }
  throw new ProblemError({
    status: 400,
    code: 'invalid_request',
    detail: 'The cursor does not belong to this list.',
    members: { errors: [{ path: 'cursor', message: 'is not a cursor of this list' }] },
  });
}
