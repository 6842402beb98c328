/** What differs between the definitions of the code and those that are live. Pure. */
import type { Domain } from '../core/definition.ts';
import { registerDomains } from '../core/registry.ts';
import { changesBetween, collectionAdded, collectionRemoved, isSame } from './compare.ts';
import type { Change } from './changes.ts';
import { snapshotOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

/** What differs in one domain, between what is live and the code. */
export interface Difference {
  readonly collection: string;
  readonly before?: Snapshot;
  readonly after?: Snapshot;
  readonly changes: readonly Change[];
  /** The version that the code has to have. */
  readonly version: number;
}

/**
 * Domains that are not as their snapshot has them, or do not have its version.
 * @throws where the definitions make no sense, each or together: no verdict on a change of them would be true
 */
export function differences(
  domains: readonly Domain[],
  snapshots: readonly Snapshot[],
): readonly Difference[] {
  registerDomains(domains);
  const live = new Map(snapshots.map((snapshot) => [snapshot.collection, snapshot]));
  const changed = domains.flatMap((domain): Difference[] => {
    const after = snapshotOf(domain);
    const { collection } = after;
    const before = live.get(collection);
    live.delete(collection);
    if (!before) return [{ collection, after, changes: [collectionAdded(after)], version: after.version }];
    // Where a release was taken back its number stays used: whoever goes on from before it may write a higher one.
    const version = isSame(before, after) ? before.version : Math.max(before.version + 1, after.version);
    if (isSame(before, after) && after.version === version) return [];
    return [{ collection, before, after, changes: [...changesBetween(before, after)], version }];
  });
  const removed = [...live.values()].map((before): Difference => ({
    collection: before.collection,
    before,
    changes: [collectionRemoved(before)],
    version: before.version,
  }));
  return [...changed, ...removed];
}

const words = { safe: 'safe', 'two-steps': 'in two steps', refused: 'REFUSED' } as const;

/** A change as people read it: the verdict, what it does, and what to do or to write instead. */
export function told({ verdict, path, effect, todo }: Change): string {
  const lines = [`  ${words[verdict]}: ${path}`, `      ${effect}`];
  if (todo !== undefined) lines.push(`      ${verdict === 'refused' ? 'Instead: ' : ''}${todo}`);
  return lines.join('\n');
}

export const isRefused = ({ changes }: Difference): boolean =>
  changes.some(({ verdict }) => verdict === 'refused');
