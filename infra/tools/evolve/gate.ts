/** Whether the definitions of the code may be released over those that are live in a store. It only reads. */
import type { Domain } from '../../../functions/core/definition.ts';
import { told } from '../../../functions/evolution/differences.ts';
import { headline, mayNotBeDeployed, releaseOver } from '../../../functions/evolution/release.ts';
import type { Snapshot } from '../../../functions/evolution/snapshot.ts';
import { readLiveDefinitions } from '../../../functions/store/live-definitions.ts';
import type { Store } from '../../../functions/store/store.ts';

/**
 * Tells what a release would mean.
 * @param store absent where nothing was deployed yet
 * @returns whether it may happen
 */
export async function passesGate(
  store: Store | undefined,
  domains: readonly Domain[],
  print: (text: string) => void,
): Promise<boolean> {
  const live = store && (await readLiveDefinitions<Snapshot>(store));
  if (!live || live.revision === 0) {
    print('no definitions are live there');
    return true;
  }
  const released = releaseOver(live.snapshots(), domains);
  for (const one of released) {
    print(headline(one));
    for (const change of one.changes) print(told(change));
  }
  const refused = released.filter(mayNotBeDeployed);
  if (released.length === 0) print('all definitions are as they are live');
  else if (refused.length > 0)
    print(`not to be released: ${refused.map(({ collection }) => collection).join(', ')}`);
  return refused.length === 0;
}
