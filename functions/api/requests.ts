/** What a key was answered: for whoever is told that a request went wrong, and has its `Idempotency-Key`. */
import { IdempotencyKeys } from '../commands/idempotency-keys.ts';
import { entryView } from './view.ts';
import { timestamp } from '../runtime/clock.ts';
import { readLedger } from '../store/entities/reads.ts';
import { readRecord } from '../store/transaction/read-record.ts';
import type { Caller } from './caller.ts';
import { idempotencyKey } from './headers.ts';
import { requestInProgress } from './outcomes.ts';
import type { HttpAnswer } from './outcomes.ts';
import { problemOf, ProblemError } from './problem.ts';
import type { ReadContext } from './queries.ts';
import * as rejections from '../core/rejections.ts';

/** A key belongs to who sent it, and to the path it was sent to. */
export interface RequestName {
  readonly key: string;
  /** E.g. `/v1/payments/pay_…/confirm`. */
  readonly path: string;
  readonly subject: string;
}

export interface RequestView extends RequestName {
  /** Of the request that was answered first; its duplicates have ids of their own. */
  readonly requestId: string;
  /** RFC 3339: from then on the key is free again. */
  readonly expiresAt: string;
  readonly answer: {
    readonly status: number;
    readonly location?: string;
    readonly etag?: string;
    readonly body?: unknown;
  };
  /** Id of the entity that the command was about, where one is known. */
  readonly entity?: string;
  /** What it wrote into that entity's ledger; a refusal and a lock write nothing. */
  readonly entry?: ReturnType<typeof entryView>;
}

/**
 * Reads alone. How often an answer was replayed is kept nowhere: it would be a write more for each duplicate; the log has
 * a line for each. What entities hold is shown to who may read entities; a lock's token to nobody.
 * @throws ProblemError 400 for a malformed key, 404 where nothing is kept under it, 409 while its first request runs
 */
export async function getRequest(
  { backend: { store, clock, registry }, tenant, deadline }: ReadContext,
  { scopes }: Pick<Caller, 'scopes'>,
  { key, path, subject }: RequestName,
): Promise<RequestView> {
  const name = { key: idempotencyKey(key), path, subject };
  const pk = await IdempotencyKeys.recordKey({ tenant, subject, path, idempotencyKey: name.key });
  const found = await readRecord(store, pk, clock.now(), deadline.signal);
  if (found.kind === 'busy') throw new ProblemError(requestInProgress);
  if (found.kind === 'none') throw new ProblemError(problemOf(rejections.notFound));
  const { requestId, expiresAt, answer } = found.record;
  const { status, location, etag, body } = answer as HttpAnswer;
  const entity = entityIn(location ?? path);
  const view = {
    ...name,
    requestId,
    expiresAt: timestamp(expiresAt * 1000),
    answer: { status, ...(location !== undefined && { location }), ...(etag !== undefined && { etag }) },
    ...(registry.ofId(entity) && { entity }),
  };
  if (!scopes.has('commands')) return view;
  const version = versionIn(etag);
  const { entries } = version
    ? await readLedger(store, tenant, entity, { limit: 1, afterSeq: version - 1 }, deadline.signal)
    : { entries: [] };
  const [entry] = entries;
  return {
    ...view,
    answer: { ...view.answer, ...(body !== '' && { body: withoutToken(path, JSON.parse(body)) }) },
    ...(entry && { entry: entryView(entry) }),
  };
}

/** `/v1/payments/pay_…/confirm` -> `pay_…`; '' where a path names none. */
const entityIn = (path: string): string => /^\/v1\/[^/]+\/([^/]+)/.exec(path)?.[1] ?? '';

/** The version that a command led to is the number of its entry. */
const versionIn = (etag: string | undefined): number | undefined =>
  etag === undefined ? undefined : Number(etag.slice(1, -1));

/** Whoever has a lock's token acts as its holder. */
function withoutToken(path: string, body: unknown): unknown {
  if (!path.endsWith('/lock') || typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'token'));
}
