/** Carries a redrive run on: each time it is due, one look at its step, and the next step where that one ended well. */
import pMap from 'p-map';
import { advance } from '../core/redrive-run.ts';
import type { Look, RedriveRun } from '../core/redrive-run.ts';
import type { Clock } from '../runtime/clock.ts';
import { delivery, redriveRun as limits } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';
import { readByKey } from '../store/batches.ts';
import { isHeld } from '../store/outbox/dead-letters.ts';
import { messageKey } from '../store/outbox/message-items.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import { redriveMessage } from '../store/outbox/messages.ts';
import { readRun, readStepLetters, saveRun } from '../store/redrives/runs.ts';
import type { ListedLetter } from '../store/redrives/runs.ts';
import { findLetters } from '../store/redrives/search.ts';
import type { Store } from '../store/store.ts';
import type { RunScheduledTransition } from './scheduled-transition.ts';

export interface RedriveParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** A message of a step with what its record says now. */
interface Seen {
  readonly letter: ListedLetter;
  readonly item: MessageItem | undefined;
}

/**
 * Order of the writes, and what a death between them leaves:
 * - the look, the run's record: the run is due still, and is looked at again;
 * - the record of a new step, its messages: the next look finds which of them were not run again, and runs those;
 * - a message, the next one: the same. Each is run again on the condition that the run of it that died is its last.
 *
 * The record holds when the run is due next; the stream takes that to the timer's queue, and the sweeper sends what got
 * lost, as with an entity that waits.
 */
export function createCarryOnRedrive({ store, clock, log }: RedriveParts): RunScheduledTransition {
  const outbox: OutboxAccess = { client: store.client, table: store.tables.outbox, clock };

  return async ({ tenant, entity, dueAt }) => {
    const run = await readRun(store, tenant, entity);
    // It was carried on since, was stopped, or has come to its end.
    if (run?.dueAt !== dueAt) return 'not_needed';
    if (clock.now() < dueAt) return 'not_due';
    const began = performance.now();
    const hasTime = (): boolean => performance.now() - began < limits.budgetMs;

    const isSearching = run.state === 'running' && !run.isListed;
    const part = isSearching ? await findLetters(outbox, run, hasTime) : undefined;
    const look = run.step && (await lookAfter(run, hasTime));
    const after = advance(run, { part, look }, clock.now());
    if (!(await saveRun(store, run, after, { letters: part?.letters }))) return 'retry';
    if (after.state !== run.state) {
      const { state, stoppedBecause } = after;
      log.info('redrive run ended', { tenant, run: run.id, state, stoppedBecause });
    }
    if (after.step !== undefined && after.taken > run.taken) {
      await sendAgain(run, await readStepLetters(store, after), hasTime);
    }
    return 'done';
  };

  /** What became of the step under way. What a death kept from being run again is run again first. */
  async function lookAfter(run: RedriveRun, hasTime: () => boolean): Promise<Look> {
    const letters = await readStepLetters(store, run);
    const seen = await read(run, letters);
    const unsent = seen.filter(isUnsent).map(({ letter }) => letter);
    if (unsent.length === 0 || run.state !== 'running') return lookAt(run, seen);
    await sendAgain(run, unsent, hasTime);
    return lookAt(run, await read(run, letters));
  }

  async function read({ tenant }: RedriveRun, letters: readonly ListedLetter[]): Promise<readonly Seen[]> {
    const keys = letters.flatMap(({ id }) => messageKey({ tenant, id }) ?? []);
    const items = await readByKey<MessageItem>(store.client, store.tables.outbox, keys);
    const byId = new Map(items.map((item) => [item.id, item]));
    return letters.map((letter) => ({ letter, item: byId.get(letter.id) }));
  }

  /** What there is no time for is left to the next look. */
  async function sendAgain(
    { tenant, id }: RedriveRun,
    letters: readonly ListedLetter[],
    hasTime: () => boolean,
  ): Promise<void> {
    await pMap(
      letters,
      async (letter) => {
        if (hasTime()) await redriveMessage(outbox, { tenant, id: letter.id }, { run: letter.run, by: id });
      },
      { concurrency: delivery.writeConcurrency },
    );
  }
}

const isUnsent = ({ letter, item }: Seen): boolean =>
  item?.status === 'dead' && item.run === letter.run && !isHeld(item);

function lookAt(run: Pick<RedriveRun, 'id'>, seen: readonly Seen[]): Look {
  const kinds = seen.map((one) => (isUnsent(one) ? 'unsent' : kindOf(run.id, one)));
  const count = (kind: (typeof kinds)[number]): number => kinds.filter((one) => one === kind).length;
  const [unsent, skipped] = [count('unsent'), count('skipped')];
  return {
    sent: seen.length - unsent - skipped,
    done: count('done'),
    deadAgain: count('deadAgain'),
    waiting: count('waiting'),
    skipped,
    open: count('open'),
    unsent,
  };
}

/** Somebody else may have redriven it, before or after this run did. */
function kindOf(
  runId: string,
  { letter, item }: Seen,
): 'open' | 'done' | 'deadAgain' | 'waiting' | 'skipped' {
  if (item?.redrivenBy !== runId || item.run <= letter.run) return 'skipped';
  // A later run of it was begun by hand, so the one that this run began has died.
  if (item.run > letter.run + 1) return 'deadAgain';
  switch (item.status) {
    case 'pending':
    case 'sent':
      return 'open';
    case 'dead':
      return 'deadAgain';
    case 'done':
    case 'waiting':
      return item.status;
    default:
      return item.status satisfies never;
  }
}
