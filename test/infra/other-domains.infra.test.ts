/** A team keeps its domains in a folder of its own: the engine knows none of ours but through `application.ts`. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { routesOf } from '../../functions/api/routes.ts';
import { createBackend } from '../../functions/commands/backend.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { entries } from '../../infra/cdk/bundle.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { lockers } from '../support/lockers.ts';

const root = join(import.meta.dirname, '../..');

test('every function is built from another list of domains, and holds none of ours', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([name, file]) => ({ in: file, out: name })),
    outdir: 'unused',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    plugins: [
      {
        name: 'another list',
        setup: (building) => {
          building.onLoad({ filter: /functions\/application\.ts$/ }, () => ({
            contents: `import { lockers } from '../test/support/lockers.ts'; export const domains = [lockers];`,
            resolveDir: join(root, 'functions'),
            loader: 'ts',
          }));
        },
      },
    ],
  });
  const files = Object.keys(metafile.inputs);
  expect(files.filter((file) => file.startsWith('functions/domains/'))).toEqual([]);
  for (const name of ['api', 'timer', 'audit'] as const) {
    expect(Object.keys(metafile.outputs[`unused/${name}.mjs`]?.inputs ?? {})).toContain(
      'test/support/lockers.ts',
    );
  }
});

test('a backend serves the domains it was given, and no other', () => {
  const client = createDocumentClient({ region: localRegion, credentials: localCredentials });
  const tables = { data: 'd', outbox: 'o', idempotency: 'i' };
  const { registry } = createBackend({ domains: [lockers], store: { client, tables }, clock: systemClock });
  const served = routesOf(registry).flatMap(({ path, method }) => (method === 'POST' ? [path] : []));
  expect(served).toContain('/v1/lockers/{id}/open');
  expect(served.filter((path) => path.startsWith('/v1/payments'))).toEqual([]);
  client.destroy();
});
