/** The tests of one group, for Stryker: the same files as `npm test`, on the database that `mutation.ts` has started. */
import { defineConfig } from 'vitest/config';
import { tests } from './run-environment.ts';

const config = defineConfig({
  test: {
    environment: 'node',
    // Loading the AWS SDK anew for each file costs more than most tests.
    isolate: false,
    include: tests(),
    globalSetup: ['test/mutation/database.ts'],
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
export { config as default };
