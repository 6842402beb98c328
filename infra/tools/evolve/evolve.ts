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
import type { Change } from '../../../functions/evolution/compare.ts';
import { raiseVersion } from './raise-version.ts';
import { differences, readSnapshots, removeSnapshot, writeSnapshot } from './snapshots.ts';
import type { Difference } from './snapshots.ts';

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const words = { safe: 'safe', 'two-steps': 'in two steps', refused: 'REFUSED' } as const;

function told({ verdict, path, effect, todo }: Change): string {
  const lines = [`  ${words[verdict]}: ${path}`, `      ${effect}`];
  if (todo !== undefined) lines.push(`      ${verdict === 'refused' ? 'Instead: ' : ''}${todo}`);
  return lines.join('\n');
}

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
const isRefused = found.some(({ changes }) => changes.some(({ verdict }) => verdict === 'refused'));

if (found.length === 0) print('all definitions are as they are live');
else if (!values.accept) process.exitCode = 1;
else if (isRefused && !values.anyway) {
  print('nothing was accepted: some changes are refused (--anyway agrees to them all the same)');
  process.exitCode = 1;
} else {
  for (const difference of found) await accept(difference);
  print('accepted');
}
