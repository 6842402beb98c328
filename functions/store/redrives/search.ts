/** The search for the messages of a redrive run, part by part. */
import type { LetterMatch, ListedPart, RedriveRun } from '../../core/redrive-run.ts';
import { list, redriveRun as limits } from '../../runtime/delivery-limits.ts';
import { isHeld, readDeadLetters } from '../outbox/dead-letters.ts';
import type { OutboxAccess } from '../outbox/message-writes.ts';
import { listed } from './runs.ts';
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
  let position: string | undefined;
  for await (const part of readDeadLetters(access, run.tenant, matchOf(run), run.listPosition)) {
    for (const item of part.messages) {
      if (isHeld(item)) held += 1;
      else letters.push(listed(item));
    }
    evaluated += part.evaluated;
    ({ position } = part);
    const isFull = letters.length + list.entriesPerPage > limits.listItemMax;
    if (isFull || evaluated >= limits.listPartEntries || !hasTime()) break;
  }
  return { letters, count: letters.length, held, position };
}
