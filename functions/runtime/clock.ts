/** Time, handed in wherever it matters, so that tests can set it and nothing depends on when it runs. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

/** The time that something has. Timers and aborted calls follow it, so that it is over within the deadline. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Milliseconds left. */
  remainingMs(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** RFC 3339 UTC with milliseconds: a fixed width, so that its text sorts as the time does. */
export const timestamp = (epochMs: number): string => new Date(epochMs).toISOString();
