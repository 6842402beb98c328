/**
 * `npm run evolve` compares the definitions with the snapshots of those that were agreed to, and says of each change whether
 * it may be released while older entities live and the older version runs beside it.
 *
 *     npm run evolve                        what differs; exit code 1 where anything does
 *     npm run evolve -- --accept            agrees: raises versions, writes snapshots; not what is refused
 *     npm run evolve -- --accept --anyway   agrees to what is refused as well
 *     npm run evolve -- --stage prod        what a release means over what is live there; exit code 1 where it is refused
 *     npm run evolve -- --stage prod --data looks at the entities and ledgers there; exit code 1 where some are stranded
 *
 * `--table <data table>` stands for `--stage` on other servers. Region, credentials and endpoint come from the environment.
 */
import { domains } from '../../../functions/application.ts';
import { failOf } from '../../../functions/core/check-definition.ts';
import { checkFieldExamples } from '../../../functions/core/check-example.ts';
import { registerDomains } from '../../../functions/core/registry.ts';
import { differences, isRefused, told } from '../../../functions/evolution/differences.ts';
import type { Difference } from '../../../functions/evolution/differences.ts';
import { survey as limits } from '../../../functions/runtime/limits.ts';
import { systemClock } from '../../../functions/runtime/clock.ts';
import type { Store } from '../../../functions/store/store.ts';
import { numberWithin, runCommand, UsageError } from '../../local/command-line.ts';
import { passesGate } from './gate.ts';
import { storeOf, storeOfStage } from './live-store.ts';
import { raiseVersion } from './raise-version.ts';
import { readSnapshots, removeSnapshot, writeSnapshot } from './snapshots.ts';
import { surveyed } from './survey.ts';
import type { SurveyOptions } from './survey.ts';
import { readState, writeState } from './survey-state.ts';
import { isInOrder, toldSurvey } from './told-survey.ts';

const usage = `usage: npm run evolve [-- --accept [--anyway]]
       npm run evolve -- --stage <stage>|--table <data table> [--data [--entries <n>] [--state <file>]]`;

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

/** The code against what was agreed to. @returns the exit code */
async function compare({
  isAccepted,
  isAnyway,
}: Record<'isAccepted' | 'isAnyway', boolean>): Promise<number> {
  const found = differences(domains, await readSnapshots());
  // A start lets it pass, and the documentation and the tests of the definition do not.
  for (const domain of domains) checkFieldExamples(domain, failOf(domain));
  for (const difference of found) show(difference);
  if (found.length === 0) {
    print('all definitions are as they were agreed to');
    return 0;
  }
  if (!isAccepted) return 1;
  if (found.some(isRefused) && !isAnyway) {
    print('nothing was accepted: some changes are refused (--anyway agrees to them all the same)');
    return 1;
  }
  for (const difference of found) await accept(difference);
  print('accepted');
  return 0;
}

/** The code against the data of a store. @returns the exit code */
async function lookAtData(store: Store, options: SurveyOptions, file: string | undefined): Promise<number> {
  const backend = { registry: registerDomains(domains), store, clock: systemClock };
  const { data: table } = store.tables;
  let survey = await readState(file, table);
  for await (survey of surveyed(backend, options, survey)) {
    await writeState(file, table, survey);
    console.error(`${survey.looked} entities looked at, ${survey.ledgers.entries} ledger entries folded`);
  }
  print(toldSurvey(survey));
  return isInOrder(survey) ? 0 : 1;
}

await runCommand({
  usage,
  flags: {
    accept: { type: 'boolean', default: false },
    anyway: { type: 'boolean', default: false },
    stage: { type: 'string' },
    table: { type: 'string' },
    data: { type: 'boolean', default: false },
    entries: { type: 'string', default: String(limits.entriesMax) },
    state: { type: 'string' },
  },
  run: async ({ accept: isAccepted, anyway: isAnyway, stage, table, data, entries, state }) => {
    if (stage === undefined && table === undefined) {
      if (data) throw new UsageError('the stage or the table is not given');
      return compare({ isAccepted, isAnyway });
    }
    if (isAccepted) throw new UsageError('only snapshots are agreed to, not what is live');
    const store = table === undefined ? await storeOfStage(stage ?? '') : storeOf(table);
    const passes = await passesGate(store, domains, print);
    if (!data || !store) return passes ? 0 : 1;
    const entriesMax = numberWithin('entries', entries, 0, Number.MAX_SAFE_INTEGER);
    return Math.max(passes ? 0 : 1, await lookAtData(store, { entriesMax }, state));
  },
});
