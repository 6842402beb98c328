/** Bounds of the audit, each with its reason. */

/** One call of the audit; it goes on with its next part until one of these is spent. */
export const page = {
  /** Three whole parts. An entity is two or three requests to the database, so a call stays far below its deadline. */
  entitiesMax: 48,
  /**
   * Of them in one part, all at once: well below the SDK's 50 sockets. 16 ledgers with a whole segment each are
   * 4,000 entries, about a second.
   */
  entitiesPerPart: 16,
  /** Time after which no further part is begun: less than half of the request's deadline (10 s). */
  budgetMs: 4_000,
} as const;

/** Ledger entries of one entity checked at a time: 250 of the largest (64 KiB) are 16 MiB. */
export const segmentEntries = 250;

/** Sums of postings looked at in one part. */
export const rowsMax = 500;

/**
 * The items of one transaction become visible one after the other, and the first reads may be of a moment ago. What looks
 * wrong is read again after this pause, strongly, and only what is wrong twice is told.
 */
export const recheckPauseMs = 200;

/** A message or timer that is open for longer is not on its way but lost or stuck. */
export const openMaxMs = 60 * 60 * 1000;

/**
 * How long a run keeps its partial sums, counted from its start: all of them go together, and a run that is older is
 * over. One that takes longer begins anew with `retentionFactor` times as much. Most runs are over in one night; what
 * they kept would otherwise be more than the ledgers themselves.
 */
export const retentionSeconds = 3 * 24 * 60 * 60;
export const retentionFactor = 4;

/** A call is over long before (`page.budgetMs` and one part), so that no call works with sums that begin to go. */
export const expiryReserveMs = 60_000;

/** The nightly audit of all tenants. */
export const nightly = {
  /** It stops this long before its function would be stopped. */
  reserveMs: 60_000,
  /**
   * A tenant is due when its last full audit began this long ago: well within a day, so that a night that begins a
   * little earlier than the last one finds it due, and a second run of one night does not.
   */
  dueAfterMs: 20 * 60 * 60 * 1000,
  /** What one tenant gets before the next one's turn: 1/13 of a night, some 10,000 entities. */
  turnMs: 60_000,
  /** A run is at work on a tenant for this long after its last checkpoint: six pages' time. */
  leaseMs: 60_000,
  /** Problems kept in a tenant's record: 20 of some 200 bytes. The log has all of them. */
  problemsKept: 20,
} as const;

/** The nightly search for tenants, before the first tenant's turn. */
export const tenantSearch = {
  /** Read beside each other: a page of each is 128 read units, so together about 5,000 units a second. */
  segments: 4,
  /** A fifth of a night; some 8 GB of entities. The next night goes on. */
  timeMs: 180_000,
} as const;
