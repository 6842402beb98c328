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

export type Visit<Result extends Done> = (
  domain: Domain,
  id: string,
  /** The entry up to which the entity is done already. */
  afterSeq: number,
) => Promise<Result>;

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
    const result = await visit(domain, within.id, within.seq);
    const next =
      result.restSeq === undefined
        ? { collection, before: within.id }
        : { ...at, within: { id: within.id, seq: result.restSeq } };
    return { results: [result], next };
  }
  const wanted = Math.min(entitiesMax, page.entitiesPerPart);
  const { ids, isComplete } = await list({ domain, before, wanted, wantedInAll: entitiesMax });
  const visited = await Promise.all(ids.map((id) => visit(domain, id, 0)));
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
