/** The tests of one group, for Stryker: the same files as `npm test`, on the database that `mutation.ts` has started. */
import { defineConfig } from 'vitest/config';
import { lastingWorker } from './lasting-worker.ts';
import { tests } from './run-environment.ts';

const config = defineConfig({
  plugins: [lastingWorker],
  test: {
    environment: 'node',
    // Loading the AWS SDK anew for each file costs more than most tests.
    isolate: false,
    include: tests(),
    setupFiles: ['test/mutation/no-mutant-yet.ts'],
    globalSetup: ['test/mutation/database.ts'],
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // A machine that is busy fails no test; one that hangs is ended by Stryker.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
export { config as default };
