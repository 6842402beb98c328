/** Bounds of the audit, each with its reason. */

/** One call of the audit; it goes on with its next part until one of these is spent. */
export const page = {
  /** An entity is two or three requests to the database, so a call stays far below the request's deadline. */
  entitiesMax: 50,
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

/** Sums of postings, or messages, looked at in one part. */
export const rowsMax = 500;

/**
 * The items of one transaction become visible one after the other. What looks wrong is read again after this
 * pause, and only what is wrong twice is told.
 */
export const recheckPauseMs = 200;

/** A message or timer that is open for longer is not on its way but lost or stuck. */
export const openMaxMs = 60 * 60 * 1000;

/** Partial sums are kept for a week, so that a nightly run may be taken up by the next. */
export const runRetentionSeconds = 7 * 24 * 60 * 60;

/** The nightly run stops this long before its function would be stopped. */
export const nightlyReserveMs = 60_000;
