/**
 * `npm run evolve` compares the definitions with the snapshots of those that are live, and says of each change whether it
 * may be released while older entities live and the older version runs beside it.
 *
 *     npm run evolve                        what differs; exit code 1 where anything does
 *     npm run evolve -- --accept            agrees: raises versions, writes snapshots; not what is refused
 *     npm run evolve -- --accept --anyway   agrees to what is refused as well
 */
import { parseArgs } from 'node:util';
import { domains } from '../../../functions/application.ts';
import { differences, isRefused, told } from '../../../functions/evolution/differences.ts';
import type { Difference } from '../../../functions/evolution/differences.ts';
import { raiseVersion } from './raise-version.ts';
import { readSnapshots, removeSnapshot, writeSnapshot } from './snapshots.ts';

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function show({ collection, before, after, changes, version }: Difference): void {
  print(`${collection}${before ? `, live in version ${before.version}` : ', not live yet'}`);
  for (const change of changes) print(told(change));
  if (after && after.version !== version) print(`  its version has to be ${version}; --accept writes it`);
  if (after && changes.length === 0 && after.version === version)
    print('  something that binds nobody, such as the order of states');
}

async function accept({ collection, before, after, version }: Difference): Promise<void> {
  if (!after) {
    if (before) await removeSnapshot(before);
    return;
  }
  if (after.version !== version && !(await raiseVersion(collection, version)))
    throw new Error(`write "version: ${version}" into the definition of ${collection}, and accept again`);
  await writeSnapshot({ ...after, version });
}

const { values } = parseArgs({
  options: { accept: { type: 'boolean', default: false }, anyway: { type: 'boolean', default: false } },
});
const found = differences(domains, await readSnapshots());
for (const difference of found) show(difference);

if (found.length === 0) print('all definitions are as they are live');
else if (!values.accept) process.exitCode = 1;
else if (found.some(isRefused) && !values.anyway) {
  print('nothing was accepted: some changes are refused (--anyway agrees to them all the same)');
  process.exitCode = 1;
} else {
  for (const difference of found) await accept(difference);
  print('accepted');
}
