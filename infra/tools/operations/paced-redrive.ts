/** Redriving many messages without flattening a receiver that is still sick. */
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { Redriven } from '../../../functions/store/outbox/messages.ts';

export interface PacedRedriveParts {
  readonly redrive: (message: MessageItem) => Promise<Redriven>;
  /** Messages as they are now. */
  readonly read: (messages: readonly MessageItem[]) => Promise<readonly MessageItem[]>;
  readonly pause: (ms: number) => Promise<void>;
  readonly progress: (state: RedriveState) => void;
}

export interface RedrivePace {
  /** Messages begun a second. */
  readonly rate: number;
  /** The share of failures, 0 to 1, past which it stops. */
  readonly maxFailures: number;
  /** How long the last ones are waited for. */
  readonly settleMs: number;
}

export interface RedriveState {
  readonly total: number;
  readonly begun: number;
  /** Someone else redrove them, or they are done. */
  readonly skipped: number;
  readonly done: number;
  /** Failed at least once since they were begun: dead again, or waiting for another attempt. */
  readonly failing: number;
  readonly stopped: boolean;
}

/** Fewer outcomes than this say nothing about a share. */
const sampleMin = 5;
const tickMs = 1_000;

/** Begins messages second by second, looks at what became of them, and stops when too many fail again. */
export async function pacedRedrive(
  messages: readonly MessageItem[],
  pace: RedrivePace,
  { redrive, read, pause, progress }: PacedRedriveParts,
): Promise<RedriveState> {
  const begun: MessageItem[] = [];
  let next = 0;
  let skipped = 0;
  let allowance = 0;
  let waited = 0;
  for (;;) {
    allowance = Math.min(allowance + pace.rate, Math.max(pace.rate, 1));
    while (next < messages.length && allowance >= 1) {
      const message = messages[next];
      next += 1;
      if (message === undefined) break;
      allowance -= 1;
      if ((await redrive(message)) === 'redriven') begun.push(message);
      else skipped += 1;
    }
    await pause(tickMs);
    const state = outcome(messages.length, begun, skipped, await read(begun), pace.maxFailures);
    progress(state);
    if (state.stopped) return state;
    if (next < messages.length) continue;
    waited += tickMs;
    if (state.done + state.failing === begun.length || waited >= pace.settleMs) return state;
  }
}

function outcome(
  total: number,
  begun: readonly MessageItem[],
  skipped: number,
  now: readonly MessageItem[],
  maxFailures: number,
): RedriveState {
  const errorBefore = new Map(begun.map(({ id, tenant, lastError }) => [`${tenant} ${id}`, lastError?.at]));
  const done = now.filter(({ status }) => status === 'done').length;
  const failing = now.filter(
    ({ id, tenant, status, lastError }) =>
      status !== 'done' && (status === 'dead' || lastError?.at !== errorBefore.get(`${tenant} ${id}`)),
  ).length;
  const known = done + failing;
  const stopped = known >= Math.min(sampleMin, total) && failing / Math.max(known, 1) > maxFailures;
  return { total, begun: begun.length, skipped, done, failing, stopped };
}
