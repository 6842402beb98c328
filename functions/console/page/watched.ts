/** What this tab has seen since it was opened: counts over time, and the last audit. */

export interface Counts {
  /** Epoch seconds. */
  readonly at: number;
  readonly open: number;
  readonly waiting: number;
  readonly dead: number;
}

/** An hour, asked for every five seconds. */
const countsKept = 720;

let counts: readonly Counts[] = [];

export function keepCounts(now: Counts): readonly Counts[] {
  counts = [...counts, now].slice(-countsKept);
  return counts;
}

export interface LastAudit {
  /** RFC 3339. */
  readonly at: string;
  readonly entities: number;
  readonly problems: number;
}

let audit: LastAudit | undefined;

export function keepAudit(last: LastAudit): void {
  audit = last;
}

export const lastAudit = (): LastAudit | undefined => audit;
