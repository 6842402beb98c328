/** Tells the process when something in it only waits, so that one that serves many at once takes in another meanwhile. */
import { channel } from 'node:diagnostics_channel';

/** `npm start` listens; on Lambda nobody does, and nothing is published. */
const waits = channel('commit-once.waits');

export interface WaitNotice {
  /** What the number of those who wait changes by. */
  readonly change: 1 | -1;
}

/** Waits for `pause` and says when that begins and ends. */
export async function announced(pause: Promise<void>): Promise<void> {
  waits.publish({ change: 1 } satisfies WaitNotice);
  try {
    await pause;
  } finally {
    waits.publish({ change: -1 } satisfies WaitNotice);
  }
}
