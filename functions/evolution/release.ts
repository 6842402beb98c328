/**
 * What it means to release definitions over those that are live: both versions run beside each other, over the same
 * entities. Pure.
 */
import type { Domain } from '../core/definition.ts';
import { versionOf } from '../core/registry.ts';
import { changesBetween, collectionAdded, collectionRemoved, isSame } from './compare.ts';
import type { Change } from './changes.ts';
import { snapshotOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

/** Of one collection that is not as it is live. */
export type Released =
  /** It becomes the live one. */
  | {
      readonly kind: 'newer';
      readonly collection: string;
      readonly changes: readonly Change[];
      readonly after: Snapshot;
    }
  /** A later version is live: a release that goes back, or goes on running beside the later one. */
  | {
      readonly kind: 'older';
      readonly collection: string;
      readonly changes: readonly Change[];
      readonly live: number;
    }
  /** The live one has the same number and other content: two releases that took the same number. */
  | {
      readonly kind: 'same_number';
      readonly collection: string;
      readonly changes: readonly Change[];
      readonly after: Snapshot;
    }
  /** It is live, and this code does not have it. */
  | { readonly kind: 'gone'; readonly collection: string; readonly changes: readonly Change[] };

export function releaseOver(live: readonly Snapshot[], domains: readonly Domain[]): readonly Released[] {
  const before = new Map(live.map((snapshot) => [snapshot.collection, snapshot]));
  const known = new Set(domains.map(({ collection }) => collection));
  const found = domains.flatMap((domain): Released[] => {
    const after = snapshotOf(domain);
    const { collection } = after;
    const was = before.get(collection);
    if (!was) return [{ kind: 'newer', collection, changes: [collectionAdded(after)], after }];
    if (was.version < after.version)
      return [{ kind: 'newer', collection, changes: [...changesBetween(was, after)], after }];
    if (was.version > after.version)
      return [{ kind: 'older', collection, changes: [...changesBetween(after, was)], live: was.version }];
    if (isSame(was, after)) return [];
    return [{ kind: 'same_number', collection, changes: [...changesBetween(was, after)], after }];
  });
  const gone = live.flatMap((snapshot): Released[] =>
    known.has(snapshot.collection)
      ? []
      : [{ kind: 'gone', collection: snapshot.collection, changes: [collectionRemoved(snapshot)] }],
  );
  return [...found, ...gone];
}

const isRefusedChange = ({ verdict }: Change): boolean => verdict === 'refused';

/**
 * Whether a deployment must not happen. Going back is safe over what is safe in one step, since both versions ran beside
 * each other then; what took two steps may have been migrated, and its entities are none of the older version's any more.
 */
export function mayNotBeDeployed({ kind, changes }: Released): boolean {
  switch (kind) {
    case 'newer':
      return changes.some(isRefusedChange);
    case 'older':
      return changes.some(({ verdict }) => verdict !== 'safe');
    case 'same_number':
    case 'gone':
      return true;
    default:
      return kind satisfies never;
  }
}

/**
 * Whether a function that begins must not work. It is already deployed, perhaps beside the release that made others live:
 * one that is older, or lacks a collection that was added, goes on.
 */
export const mayNotBegin = (released: Released): boolean =>
  (released.kind === 'newer' || released.kind === 'same_number') && mayNotBeDeployed(released);

/** What is live once the code has begun to work. */
export function liveAfter(live: readonly Snapshot[], released: readonly Released[]): readonly Snapshot[] {
  const all = new Map(live.map((snapshot) => [snapshot.collection, snapshot]));
  for (const one of released) if ('after' in one) all.set(one.collection, one.after);
  return [...all.values()].sort((a, b) => (a.collection < b.collection ? -1 : 1));
}

/** Whether every definition has the number of the live one, and there are no others: what can be told without snapshots. */
export const hasLiveVersions = (
  versions: Readonly<Record<string, number>>,
  domains: readonly Domain[],
): boolean =>
  domains.length === Object.keys(versions).length &&
  domains.every((domain) => versions[domain.collection] === versionOf(domain));

/** The first line of what people are told of one. */
export function headline(released: Released): string {
  const { kind, collection } = released;
  switch (kind) {
    case 'newer':
      return `${collection}, version ${released.after.version}`;
    case 'older':
      return `${collection}: version ${released.live} is live, which this code is older than; what the later one changed:`;
    case 'same_number':
      return `${collection}: another version ${released.after.version} is live (write "version: ${released.after.version + 1}", then npm run evolve -- --accept)`;
    case 'gone':
      return collection;
    default:
      return released satisfies never;
  }
}
