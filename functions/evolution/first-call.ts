/** At its first call a function compares its definitions with those that the store was last used with. */
import type { Domain } from '../core/definition.ts';
import type { Log } from '../runtime/logger.ts';
import { readLiveDefinitions, writeLiveDefinitions } from '../store/live-definitions.ts';
import type { Store } from '../store/store.ts';
import { told } from './differences.ts';
import { hasLiveVersions, headline, liveAfter, mayNotBegin, releaseOver } from './release.ts';
import type { Released } from './release.ts';
import type { Snapshot } from './snapshot.ts';

export interface FirstCall {
  readonly store: Store;
  readonly domains: readonly Domain[];
  /** Goes on with what is refused, too. */
  readonly anyway: boolean;
  readonly log: Log;
}

/** Why a function does not work: its definitions would break what lives in the store. */
export class DefinitionsRefused extends Error {
  override readonly name = 'DefinitionsRefused';
}

/** Functions that begin at once write one after the other; each sees what the one before it wrote. */
const triesMax = 5;

/**
 * Makes the definitions the live ones, and tells in the log what differs. Where nothing does it is one read.
 * @throws DefinitionsRefused
 */
export async function beginWith({ store, domains, anyway, log }: FirstCall): Promise<void> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const live = await readLiveDefinitions<Snapshot>(store);
    if (hasLiveVersions(live.versions, domains)) return;
    const snapshots = live.snapshots();
    const released = releaseOver(snapshots, domains);
    for (const one of released) log.warn('definition differs from the live one', details(one));
    const refused = released.filter(mayNotBegin);
    if (refused.length > 0 && !anyway)
      throw new DefinitionsRefused(
        `${refused.map(text).join('\n')}\nEVOLVE=anyway (-c evolve=anyway) goes on all the same`,
      );
    if (!released.some((one) => 'after' in one)) return;
    if (await writeLiveDefinitions(store, live.revision, liveAfter(snapshots, released))) return;
  }
}

const text = (one: Released): string => [headline(one), ...one.changes.map(told)].join('\n');
const details = (one: Released): { collection: string; kind: Released['kind']; told: string } => ({
  collection: one.collection,
  kind: one.kind,
  told: text(one),
});

/**
 * A handler that begins with its first call. A refusal stands until the function is replaced. Where the store does not
 * answer, the call goes on, since it meets the same store, and the next one asks again.
 */
export function afterFirstCall<Input extends readonly unknown[], Result>(
  handle: (...input: Input) => Promise<Result>,
  first: FirstCall,
): (...input: Input) => Promise<Result> {
  let begun: Promise<void> | undefined;
  return async (...input) => {
    begun ??= beginWith(first).catch((error: unknown) => {
      if (error instanceof DefinitionsRefused) throw error;
      first.log.warn('definitions not compared', error as Error);
      begun = undefined;
    });
    await begun;
    return handle(...input);
  };
}
