/** The search for the messages of a redrive run, part by part. */
import type { LetterMatch, ListedPart, RedriveRun } from '../../core/redrive-run.ts';
import { list, redriveRun as limits } from '../../runtime/delivery-limits.ts';
import { isHeld, readDeadPage } from '../outbox/dead-letters.ts';
import { toldByPlace } from '../outbox/message-items.ts';
import type { OutboxAccess } from '../outbox/message-writes.ts';
import type { ListedLetter } from './runs.ts';

export interface FoundPart extends ListedPart {
  readonly letters: readonly ListedLetter[];
}

/** What died after a run had begun, also for the second time, is none of its messages. */
function matchOf({ match, createdAt }: Pick<RedriveRun, 'match' | 'createdAt'>): LetterMatch {
  const { until } = match;
  return {
    ...match,
    until: until !== undefined && Date.parse(until) < Date.parse(createdAt) ? until : createdAt,
  };
}

/**
 * The next of its messages, in the order in which they were created: as many as an item of the list holds, and no more
 * than the part of the index that one delivery looks at.
 * @param hasTime asked before each further page
 */
export async function findLetters(
  access: OutboxAccess,
  run: Pick<RedriveRun, 'tenant' | 'match' | 'createdAt' | 'listPosition'>,
  hasTime: () => boolean,
): Promise<FoundPart> {
  const letters: ListedLetter[] = [];
  let held = 0;
  let evaluated = 0;
  let position = run.listPosition;
  const { tenant } = run;
  const match = matchOf(run);
  let isOver: boolean;
  do {
    // All that it looks at could fit.
    const pageSize = limits.listItemMax - letters.length;
    const page = await readDeadPage(access, { tenant, match, after: position, pageSize });
    for (const entry of page.entries) {
      if (isHeld(entry)) held += 1;
      else letters.push({ id: toldByPlace(entry).id, run: entry.run });
    }
    evaluated += page.evaluated;
    ({ position } = page);
    const isFull = letters.length + list.entriesPerPage > limits.listItemMax;
    isOver = position === undefined || isFull || evaluated >= limits.listPartEntries || !hasTime();
  } while (!isOver);
  return { letters, count: letters.length, held, position };
}
