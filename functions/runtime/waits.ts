/** Tells the process when a command waits for another request, so that one that serves many lets that one in. */
import { channel } from 'node:diagnostics_channel';

/** `npm start` listens; on Lambda nobody does, and nothing is published. */
const waits = channel('commit-once.waits');

export interface WaitNotice {
  /** What the number of those who wait changes by. */
  readonly change: 1 | -1;
}

/** Waits for the end of `pause` and says when that begins and ends. */
export async function announced<T>(pause: Promise<T>): Promise<T> {
  waits.publish({ change: 1 } satisfies WaitNotice);
  try {
    return await pause;
  } finally {
    waits.publish({ change: -1 } satisfies WaitNotice);
  }
}
