/** The snapshots of the definitions that are live: one file a domain, checked in. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Domain } from '../../../functions/core/definition.ts';
import {
  changesBetween,
  collectionAdded,
  collectionRemoved,
  isSame,
} from '../../../functions/evolution/compare.ts';
import type { Change } from '../../../functions/evolution/compare.ts';
import { snapshotOf } from '../../../functions/evolution/snapshot.ts';
import type { Snapshot } from '../../../functions/evolution/snapshot.ts';

const folder = new URL('snapshots/', import.meta.url);
const fileOf = (collection: string): URL => new URL(`${collection}.json`, folder);

export async function readSnapshots(): Promise<readonly Snapshot[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Snapshot),
  );
}

export async function writeSnapshot(snapshot: Snapshot): Promise<void> {
  await writeFile(fileOf(snapshot.collection), `${JSON.stringify(snapshot, undefined, 2)}\n`);
}

export const removeSnapshot = ({ collection }: Snapshot): Promise<void> => rm(fileOf(collection));

/** What differs in one domain, between what is live and the code. */
export interface Difference {
  readonly collection: string;
  readonly before?: Snapshot;
  readonly after?: Snapshot;
  readonly changes: readonly Change[];
  /** The version that the code has to have. */
  readonly version: number;
}

/** Domains that are not as their snapshot has them, or do not have its version. */
export function differences(
  domains: readonly Domain[],
  snapshots: readonly Snapshot[],
): readonly Difference[] {
  const live = new Map(snapshots.map((snapshot) => [snapshot.collection, snapshot]));
  const changed = domains.flatMap((domain): Difference[] => {
    const after = snapshotOf(domain);
    const { collection } = after;
    const before = live.get(collection);
    live.delete(collection);
    if (!before) return [{ collection, after, changes: [collectionAdded(after)], version: after.version }];
    const version = isSame(before, after) ? before.version : before.version + 1;
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
