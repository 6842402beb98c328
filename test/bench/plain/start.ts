/**
 * `npm start` with the plain payments instead of the domains of `application.ts`: the same template, the same services,
 * and functions that are bundled from another list. Prints `ready http://...` when it serves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { bundle, bundleOptions, entries } from '../../../infra/cdk/bundle.ts';
import type { FunctionName } from '../../../infra/cdk/bundle.ts';
import { readAssembly } from '../../../infra/local/assembly.ts';
import { startBackend } from '../../../infra/local/backend.ts';
import { logToStderr } from '../../../infra/local/log.ts';
import { synthesize } from '../../../infra/local/synthesis.ts';

const root = path.join(import.meta.dirname, '../../..');
const folder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-plain-'));

const plainDomains: Plugin = {
  name: 'plain domains',
  setup: (building) => {
    building.onLoad({ filter: /functions\/application\.ts$/ }, () => ({
      contents: `export { plainDomains as domains } from './domains.ts';`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    }));
  },
};

/** The documentation is the real one, since nobody here reads it, and the stage has no REST API. */
const names = (Object.keys(entries) as FunctionName[]).filter(
  (name) => name !== 'rest-api' && name !== 'docs',
);
const bundles = path.join(folder, 'bundles');
await build({
  absWorkingDir: root,
  entryPoints: names.map((name) => ({ in: entries[name], out: `${name}/index` })),
  outdir: bundles,
  outExtension: { '.js': '.mjs' },
  ...bundleOptions,
  plugins: [plainDomains],
});
const made = new Map(names.map((name) => [name, path.join(bundles, name)]));
const assemblyFolder = path.join(folder, 'assembly');
synthesize(assemblyFolder, new Map([...made, ...bundle(['docs'], bundles)]));
const assembly = await readAssembly(assemblyFolder);
if (assembly === undefined) throw new Error('the plain assembly has no template');

const backend = await startBackend({ variables: process.env, port: 0, log: logToStderr, assembly });
process.stdout.write(`ready ${backend.stack.url ?? ''}\n`);

process.once('SIGTERM', () => {
  void (async () => {
    await backend.stop();
    await rm(folder, { recursive: true });
    process.exit(0);
  })();
});
