/**
 * `npm run test:mutation [-- <group, file or file:from-to>...]`: Stryker changes the sources of each group bit by bit and
 * runs the group's tests. Exit code 1 where a mutant lives that `explained.ts` does not explain.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startDynamoDbLocal } from '../../infra/local/dynamodb.ts';
import type { DynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { assertLoopback } from '../support/loopback.ts';
import { explained } from './explained.ts';
import { groups, type Group } from './groups.ts';
import { environmentOf } from './run-environment.ts';

const root = path.join(import.meta.dirname, '../..');
/** Stryker and what it writes: outside of what git, the linters and the tests read. */
const home = path.join(root, '.local/mutation');

/** Runs a command to its end. @returns its exit code */
async function ran(
  command: string,
  parameters: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<unknown> {
  const [code] = (await once(
    spawn(command, parameters, { stdio: 'inherit', ...options }),
    'exit',
  )) as unknown[];
  return code;
}

/** Stryker and what it asks for, 167 packages, which `npm ci` of the project would carry for this one command. */
async function install(): Promise<void> {
  const from = path.join(import.meta.dirname, 'stryker');
  const files = ['package.json', 'package-lock.json', '.npmrc'];
  const isAsGiven = files.every((name) => {
    const there = path.join(home, name);
    return existsSync(there) && readFileSync(there, 'utf8') === readFileSync(path.join(from, name), 'utf8');
  });
  // npm writes this one when all packages are there.
  if (isAsGiven && existsSync(path.join(home, 'node_modules/.package-lock.json'))) return;
  mkdirSync(home, { recursive: true });
  for (const name of files) copyFileSync(path.join(from, name), path.join(home, name));
  const code = await ran('npm', ['ci', '--ignore-scripts'], { cwd: home });
  if (code !== 0) throw new Error('Stryker could not be installed');
}

/**
 * Emptied words, objects and bodies are half of all mutants, and hardly one lives: the database refuses an expression that
 * lacks a word, and the type checker most of the others.
 */
const emptied = ['StringLiteral', 'ObjectLiteral', 'BlockStatement', 'ArrowFunction'];

const configurationOf = ({ name, mutate, isWhole }: Group): object => ({
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', path.join(import.meta.dirname, 'stryker-plugins.js')],
  ignorers: ['no-mutants'],
  mutator: { excludedMutations: isWhole === true ? [] : emptied },
  mutate,
  concurrency: 1,
  coverageAnalysis: 'perTest',
  // Conditions are constants of their modules: such mutants meet all tests of the group, in a fresh process.
  ignoreStatic: false,
  timeoutMS: 15_000,
  timeoutFactor: 2,
  dryRunTimeoutMinutes: 15,
  disableTypeChecks: false,
  tempDirName: '.local/mutation/sandbox',
  ignorePatterns: ['.local', 'cdk.out', 'coverage'],
  reporters: ['json', 'progress-append-only', 'living'],
  jsonReporter: { fileName: reportOf(name) },
  allowConsoleColors: false,
});

const reportOf = (name: string): string => path.join(home, 'reports', `${name}.json`);

interface Mutant {
  readonly mutatorName: string;
  readonly status: string;
  readonly replacement: string;
  readonly location: Readonly<Record<'start' | 'end', { readonly line: number; readonly column: number }>>;
}
type Report = Readonly<
  Record<'files', Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>>
>;

/** The text that a mutant replaces. */
function originalOf(source: string, { location: { start, end } }: Mutant): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = (lines.at(-1) ?? '').slice(0, end.column - 1);
  lines[0] = (lines[0] ?? '').slice(start.column - 1);
  return lines.join('\n');
}

const isCaught = ({ status }: Mutant): boolean => status === 'Killed' || status === 'Timeout';
const isAlive = ({ status }: Mutant): boolean => status === 'Survived' || status === 'NoCoverage';
const onOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Prints a row of the table a file, and each mutant that lives without an explanation. @returns how many these are */
function tell(group: Group): number {
  const { files } = JSON.parse(readFileSync(reportOf(group.name), 'utf8')) as Report;
  let unexplained = 0;
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const alive = mutants.filter(isAlive).map((mutant) => ({
      ...mutant,
      original: onOneLine(originalOf(source, mutant)),
      replacement: onOneLine(mutant.replacement),
    }));
    const isExplained = ({ original, replacement }: { original: string; replacement: string }): boolean =>
      explained.some(
        (one) => one.file === file && one.original === original && one.replacement === replacement,
      );
    const open = alive.filter((mutant) => !isExplained(mutant));
    unexplained += open.length;
    const counts = [mutants.filter((one) => isCaught(one) || isAlive(one)).length];
    counts.push(mutants.filter(isCaught).length, alive.length - open.length, open.length);
    process.stdout.write(`| \`${file}\` | ${counts.join(' | ')} |\n`);
    for (const { location, mutatorName, status, original, replacement } of open)
      process.stdout.write(
        `  ${file}:${location.start.line} ${status} ${mutatorName}\n    - ${original}\n    + ${replacement}\n`,
      );
  }
  return unexplained;
}

/** `AWS_ENDPOINT_URL_DYNAMODB` names another one, as it does for `npm start`. It goes on. */
async function startDatabase(): Promise<Pick<DynamoDbLocal, 'endpoint' | 'stop'>> {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint } = process.env;
  return endpoint === undefined
    ? startDynamoDbLocal()
    : { endpoint: assertLoopback(endpoint), stop: () => Promise.resolve() };
}

async function run(group: Group): Promise<number> {
  const configuration = path.join(home, `${group.name}.json`);
  writeFileSync(configuration, JSON.stringify(configurationOf(group)));
  const database = await startDatabase();
  try {
    const stryker = path.join(home, 'node_modules/@stryker-mutator/core/bin/stryker.js');
    const code = await ran(process.execPath, [stryker, 'run', configuration], {
      cwd: root,
      env: { ...process.env, ...environmentOf(group.tests, database.endpoint) },
    });
    if (code !== 0) throw new Error(`Stryker ended with ${String(code)} in the group ${group.name}`);
  } finally {
    await database.stop();
  }
  return tell(group);
}

/** `file:from-to`, as Stryker takes it: the mutants of these lines. */
const fileOf = (asked: string): string => asked.replace(/:\d+-\d+$/, '');

/** A group as it is, or only those of its sources that were asked for. */
function chosen(asked: readonly string[]): Group[] {
  if (asked.length === 0) return [...groups];
  return groups.flatMap((group) => {
    if (asked.includes(group.name)) return [group];
    const mutate = asked.filter((one) => group.mutate.includes(fileOf(one)));
    return mutate.length === 0 ? [] : [{ ...group, mutate }];
  });
}

const asked = chosen(process.argv.slice(2));
const missing = asked
  .flatMap(({ mutate, tests }) => [...mutate, ...tests])
  .filter((file) => !existsSync(path.join(root, fileOf(file))));
if (asked.length === 0 || missing.length > 0) {
  process.stderr.write(`no such group or file; there are ${groups.map(({ name }) => name).join(', ')}\n`);
  process.exitCode = 64;
} else {
  for (const { name, mutate, tests } of asked)
    process.stdout.write(`${name}: ${mutate.length} sources, ${tests.length} test files\n`);
  await install();
  let unexplained = 0;
  for (const group of asked) unexplained += await run(group);
  process.exitCode = unexplained === 0 ? 0 : 1;
}
