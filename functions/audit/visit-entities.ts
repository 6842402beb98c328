/** Takes the entities of a tenant a few at a time, and the longest of them a segment at a time. */
import type { Domain } from '../core/definition.ts';
import { page } from './limits.ts';
import type { AuditContext } from './part.ts';
import { nextCollection } from './position.ts';
import type { EntityPlace } from './position.ts';

/** What was done with one entity; `restSeq` is the entry up to which it is done, where that is not all. */
export interface Done {
  readonly restSeq?: number | undefined;
}

export interface Visited {
  readonly id: string;
  /** The entry up to which it is done already; 0 where nothing is. */
  readonly afterSeq: number;
}

/** @returns of each, in their order */
export type Visit<Result extends Done> = (
  domain: Domain,
  entities: readonly Visited[],
) => Promise<readonly Result[]>;

/**
 * Visits the next entities, some at once.
 * @returns what the visits returned, in order, up to the first entity that is not done, and where to go on
 */
export async function visitEntities<Result extends Done>(
  { backend, list, entitiesMax }: AuditContext,
  at: EntityPlace,
  visit: Visit<Result>,
): Promise<{ readonly results: readonly Result[]; readonly next: EntityPlace | undefined }> {
  const { registry } = backend;
  const { collection, before, within } = at;
  const domain = registry.byCollection(collection);
  if (within) {
    const { id, seq } = within;
    const results = await visit(domain, [{ id, afterSeq: seq }]);
    const restSeq = results[0]?.restSeq;
    const next = restSeq === undefined ? { collection, before: id } : { ...at, within: { id, seq: restSeq } };
    return { results, next };
  }
  const wanted = Math.min(entitiesMax, page.entitiesPerPart);
  const { ids, isComplete } = await list({ domain, before, wanted, wantedInAll: entitiesMax });
  const visited = await visit(
    domain,
    ids.map((id) => ({ id, afterSeq: 0 })),
  );
  const results: Result[] = [];
  for (const [index, result] of visited.entries()) {
    const id = ids[index] ?? '';
    results.push(result);
    // The entities after this one are visited again: their results are the same, and are counted then.
    if (result.restSeq !== undefined) {
      const start = ids[index - 1] ?? before;
      const place = { collection, ...(start !== undefined && { before: start }) };
      return { results, next: { ...place, within: { id, seq: result.restSeq } } };
    }
  }
  const last = ids.at(-1);
  return {
    results,
    next:
      isComplete || last === undefined ? nextCollection(registry, collection) : { collection, before: last },
  };
}
