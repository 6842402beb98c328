import { defineConfig } from 'vitest/config';
import { NothingRan } from './test/support/nothing-ran.ts';

/** Adds up what the fault tests tried. */
const counts = ['test/support/faults/counts.ts'];

const { BASE_URL: baseUrl = '', FAULTS: faults, POWERTOOLS_LOG_LEVEL: logLevel = 'SILENT' } = process.env;

/** The end of a test's name says what it needs: `*.unit.test.ts` nothing, `*.integration.test.ts` a database. */
const project = (
  name: string,
  options: {
    database?: boolean;
    timeoutMs?: number;
    setup?: string[];
    isolate?: boolean;
    last?: { files: number; order: number };
  } = {},
) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    isolate: options.isolate ?? false,
    testTimeout: options.timeoutMs ?? 30_000,
    hookTimeout: 180_000,
    // A slow machine is no failure: what is waited for may take as long as a test.
    expect: { poll: { timeout: 30_000 } },
    // After all others, and so many files at a time.
    ...(options.last && { maxWorkers: options.last.files, sequence: { groupOrder: options.last.order } }),
    ...(options.database === true && {
      globalSetup: ['test/support/dynamodb.ts', ...(options.setup ?? [])],
      // A line a request would bury what a failing test says. `POWERTOOLS_LOG_LEVEL=INFO npm test` shows them.
      env: { POWERTOOLS_LOG_LEVEL: logLevel },
    }),
  },
});

export default defineConfig({
  test: {
    environment: 'node',
    // A file of `npm run test:all` takes minutes: each of its tests says when it is through.
    reporters: [faults === 'all' ? 'verbose' : 'default', new NothingRan()],
    // With `-t` a file that fails would list all of its tests that were not asked for.
    hideSkippedTests: true,
    // Four files beside each other on two processors: about half of what a test takes is waiting.
    maxWorkers: 4,
    env: {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      // Vitest sets BASE_URL to `/` where none is given, and always in its workers; so a given one goes by this name.
      TARGET_URL: baseUrl === '/' ? '' : baseUrl,
    },
    projects: [
      // The files of a project share their modules: loading the CDK or the AWS SDK takes longer than most of them.
      project('unit'),
      project('infra', { timeoutMs: 120_000 }),
      project('integration', { database: true, timeoutMs: 120_000 }),
      // All pairs of faults of a long command take minutes, and more where the machine is busy.
      project('faults', { database: true, timeoutMs: faults === 'all' ? 1_200_000 : 300_000, setup: counts }),
      // These change a module before they load it (limits, a broken build), so each file loads its own.
      project('isolated', { database: true, timeoutMs: 300_000, setup: counts, isolate: true }),
      // Crowds of callers, each of whom must be answered within its deadline: they need the processors for themselves.
      project('contention', { database: true, timeoutMs: 240_000, last: { files: 1, order: 1 } }),
      // What takes minutes of real time is no part of `npm test`: `npm run test:all`.
      project('campaign', {
        database: true,
        timeoutMs: 1_200_000,
        setup: counts,
        last: { files: 2, order: 2 },
      }),
      // Whole stacks, each with processes of its own.
      project('e2e', { timeoutMs: 300_000, last: { files: 2, order: 2 } }),
    ],
  },
});
