import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundle, entries, type FunctionName } from '../../infra/cdk/bundle.ts';
import { newOutdir } from './built-stack.ts';

const names = Object.keys(entries) as FunctionName[];
const code = (folder: string): string => readFileSync(join(folder, 'index.mjs'), 'utf8');

/** Made once for all tests: one takes seconds. */
const bundles = bundle(names, newOutdir());

test('every function is one file that exports a handler and imports nothing but Node itself', () => {
  expect([...bundles.keys()]).toEqual(names);
  for (const folder of bundles.values()) {
    const text = code(folder);
    expect(text).toMatch(/export *\{[^}]*\bas handler\b[^}]*\}|export *\{ *handler *\}/);
    const imported = [...text.matchAll(/(?:^|[;\n])import[\w*{},$ ]+from *["']([^"']+)["']/g)];
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.map((match) => match[1] ?? '').filter((name) => !isNodeModule(name))).toEqual([]);
    expect(existsSync(join(folder, 'index.mjs.map'))).toBe(true);
  }
});

test('no function carries what zod says in other languages', () => {
  // `import { z }` takes all of zod along, 440 KB more than `import * as z` in each bundle.
  const dutch = 'Ongeldige invoer';
  for (const folder of bundles.values()) expect(code(folder)).not.toContain(dutch);
});

test('the same sources give the same bytes, so that an unchanged function is not deployed again', () => {
  const again = bundle(['docs', 'timer-relay'], newOutdir());
  for (const name of ['docs', 'timer-relay'] as const) {
    const [first, second] = [bundles, again].map((made) => code(made.get(name) ?? ''));
    expect(first).toBe(second);
  }
});

function isNodeModule(name: string): boolean {
  return name.startsWith('node:') || nodeModules.has(name);
}
const nodeModules = new Set(process.getBuiltinModule('module').builtinModules);
