/**
 * `npm run deploy -- -c stage=prod ...` deploys a stage by `cdk deploy`, whose options it takes. First the definitions are
 * compared with those that are live there: what is refused fails before anything is deployed, unless `-c evolve=anyway` is
 * given. Region and credentials come from the environment.
 */
import { spawnSync } from 'node:child_process';
import { domains } from '../../../functions/application.ts';
import { differences } from '../../../functions/evolution/differences.ts';
import { isStageName, stageNames } from '../../cdk/stages.ts';
import { passesGate } from './gate.ts';
import { storeOfStage } from './live-store.ts';
import { readSnapshots } from './snapshots.ts';

const args = process.argv.slice(2);

/** The value of `-c name=value`; the last one counts, as with the CDK. */
function contextOf(name: string): string | undefined {
  const given = args.flatMap((arg, index) => {
    if (arg === '-c' || arg === '--context') return [args[index + 1] ?? ''];
    return /^(?:-c|--context=)(.+)/.exec(arg)?.[1] ?? [];
  });
  return given.findLast((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

const print = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function mayDeploy(stage: string): Promise<boolean> {
  const isAgreed = differences(domains, await readSnapshots()).length === 0;
  if (!isAgreed) print('the definitions are not agreed to: npm run evolve');
  const passes = await passesGate(await storeOfStage(stage), domains, print);
  return isAgreed && (passes || contextOf('evolve') === 'anyway');
}

const stage = contextOf('stage');
if (!isStageName(stage)) {
  print(`usage: npm run deploy -- -c stage=<${stageNames.join('|')}> [options of cdk deploy]`);
  process.exitCode = 2;
} else if (await mayDeploy(stage)) {
  const { status } = spawnSync('npx', ['cdk', 'deploy', ...args], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  print('nothing was deployed (-c evolve=anyway releases what is refused)');
  process.exitCode = 1;
}
