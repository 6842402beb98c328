import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { registerDomains } from '../../functions/core/registry.ts';
import { buildSite, siteFileName } from '../../functions/docs/site.ts';
import { domains } from '../../functions/application.ts';
import type { Topic } from '../../functions/runtime/topics.ts';

/**
 * All functions are bundled by one esbuild run. `NodejsFunction` starts esbuild once a function and parses the AWS
 * SDK again each time; one run parses every shared file once. Output is a function of the sources alone, so an
 * unchanged function keeps its asset hash and is not deployed again. Nothing is kept here between runs, so a bundle
 * is never stale; a start on one machine keeps whole assemblies instead (`local/assembly.ts`).
 */

const root = join(import.meta.dirname, '../..');

/** Logical function name -> the file that exports `handler`. */
export const entries = {
  api: 'functions/api/handler.ts',
  'rest-api': 'functions/api/rest-handler.ts',
  docs: 'functions/docs/handler.ts',
  relay: 'functions/outbox/relay.ts',
  'timer-relay': 'functions/outbox/timer-relay.ts',
  statements: 'functions/statements/handler.ts',
  sweeper: 'functions/outbox/sweeper.ts',
  audit: 'functions/audit/handler.ts',
  timer: 'functions/workers/timer.ts',
  notification: 'functions/workers/notification.ts',
  'external-call': 'functions/workers/external-call.ts',
  report: 'functions/workers/report.ts',
  llm: 'functions/workers/llm.ts',
} as const satisfies Readonly<Record<Topic, string>> & Readonly<Record<string, string>>;

export type FunctionName = keyof typeof entries;

/** The Lambda `Handler` of every bundle: `index.mjs`, export `handler`. */
export const bundleHandler = 'index.handler';

/** How every function is bundled, wherever its code lies. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  // Lambda runs the newest Node; the same bundle also runs on one machine on the oldest supported one.
  target: 'node20',
  format: 'esm',
  mainFields: ['module', 'main'],
  // Names stay: a stack trace and `error.name` tell them. With `keepNames` short ones would be given back their name at
  // run time, each time a closure is made; that took a fortieth of a command.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  // CommonJS packages inside an ES module bundle still call `require` for Node's own modules.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Bundles the functions named into `<directory>/<name>/index.mjs`, with a source map beside it, and returns each
 * folder. Throws esbuild's error where a source does not parse or an import does not resolve.
 */
export function bundle(names: readonly FunctionName[], directory: string): ReadonlyMap<FunctionName, string> {
  buildSync({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: entries[name], out: `${name}/index` })),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    ...bundleOptions,
  });
  if (names.includes('docs')) {
    // What the docs function hands out is made here, so that it has nothing to compute and no package to load.
    const site = buildSite(registerDomains(domains));
    writeFileSync(join(directory, 'docs', siteFileName), JSON.stringify(site));
  }
  return new Map(names.map((name) => [name, join(directory, name)]));
}
