/** Who imports whom, and which packages. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { circlesOf, packagesOf, root, sourcesOf } from '../support/imports.ts';

const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const { layers } = (await import(pathToFileURL(path.join(root, 'eslint.config.js')).href)) as {
  readonly layers: Readonly<Record<string, readonly string[]>>;
};

describe('folders', () => {
  it('the table in ARCHITECTURE.md says what the linter asks', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `([^`]+)\/` +\|[^|]*\| ([^|]*)\|$/gm)];
    const table = rows.map(([, folder = '', allowed = '']) => {
      const names = allowed.trim() === 'nothing' ? [] : allowed.trim().split(', ');
      return [folder, names.map((name) => (name.includes('/') ? name : `functions/${name}`))] as const;
    });
    const ofLinter = table.filter(([folder]) => folder !== 'test' && folder !== 'events');
    expect(Object.fromEntries(ofLinter)).toEqual(layers);
  });

  it('the linter knows every one of them', () => {
    const folders = ['functions', 'infra'].flatMap((parent) =>
      readdirSync(path.join(root, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}`),
    );
    expect(Object.keys(layers).sort()).toEqual(folders.sort());
  });
});

it('no files import each other in a circle', () => {
  expect(circlesOf([...sourcesOf('functions'), ...sourcesOf('infra')])).toEqual([]);
});

describe('packages', () => {
  const { dependencies, devDependencies, scripts } = JSON.parse(read('package.json')) as Readonly<
    Record<'dependencies' | 'devDependencies' | 'scripts', Readonly<Record<string, string>>>
  >;
  interface Manifest {
    readonly bin?: string | Readonly<Record<string, string>>;
    readonly peerDependencies?: Readonly<Record<string, string>>;
  }
  const manifestOf = (name: string): Manifest =>
    JSON.parse(read(`node_modules/${name}/package.json`)) as Manifest;
  const packagesIn = (...files: readonly string[]): Set<string> => new Set(files.flatMap(packagesOf));
  const inFunctions = packagesIn(...sourcesOf('functions'));

  it('that the functions import, or that those ask for beside them, are dependencies; no others are', () => {
    const peers = [...inFunctions].flatMap((name) =>
      name in dependencies ? Object.keys(manifestOf(name).peerDependencies ?? {}) : [],
    );
    // Types vanish from a bundle.
    const needed = [...inFunctions].filter(
      (name) => !(`@types/${name}` in devDependencies && name === 'aws-lambda'),
    );
    expect(needed.filter((name) => !(name in dependencies))).toEqual([]);
    // Files of a package may be read instead of imported.
    const text = sourcesOf('functions').map(read).join('\n');
    const unused = Object.keys(dependencies).filter(
      (name) => !inFunctions.has(name) && !peers.includes(name) && !new RegExp(`['\`]${name}`).test(text),
    );
    expect(unused).toEqual([]);
  });

  it('that only infra and tests use are development dependencies, and each is used', () => {
    const files = [...sourcesOf('infra'), ...sourcesOf('test'), 'eslint.config.js', 'vitest.config.ts'];
    const imported = new Set([...inFunctions, ...packagesIn(...files)]);
    const commands = [...Object.values(scripts), ...files.map(read)].join('\n');
    // A command of it is run, or its folder is looked for.
    const isNamed = (name: string): boolean => {
      const { bin = {} } = manifestOf(name);
      const names = typeof bin === 'string' ? [name] : Object.keys(bin);
      return (
        names.some((one) => new RegExp(`\\b${one}\\b`).test(commands)) ||
        commands.includes(`resolve('${name}')`)
      );
    };
    const ofTypes = (name: string): boolean =>
      name === '@types/node' || (name.startsWith('@types/') && imported.has(name.slice('@types/'.length)));
    expect(
      Object.keys(devDependencies).filter((name) => !imported.has(name) && !ofTypes(name) && !isNamed(name)),
    ).toEqual([]);
  });
});
