/** Tells the process when a command waits for another request, so that one that serves many lets that one in. */
import { channel } from 'node:diagnostics_channel';

/** `npm start` listens; on Lambda nobody does, and nothing is published. */
const waits = channel('commit-once.waits');

export interface WaitNotice {
  readonly tenant: string;
  /** What the number of its commands that wait changes by. */
  readonly change: 1 | -1;
}

/** Waits for the end of `pause` and says when that begins and ends. */
export async function announced<T>(tenant: string, pause: Promise<T>): Promise<T> {
  waits.publish({ tenant, change: 1 } satisfies WaitNotice);
  try {
    return await pause;
  } finally {
    waits.publish({ tenant, change: -1 } satisfies WaitNotice);
  }
}
