/** Who imports whom, and which packages. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { circlesOf, importsOf, packagesOf, root, sourcesOf } from '../support/imports.ts';

const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
/** What each folder may import besides itself, as the table in ARCHITECTURE.md says. */
const layers = new Map(
  [...read('ARCHITECTURE.md').matchAll(/^\| `([^`]+)\/` +\|[^|]*\| ([^|]+)\|$/gm)].map(
    ([, folder = '', allowed = '']) => {
      const names = allowed.trim() === 'nothing' ? [] : allowed.trim().split(', ');
      return [folder, names.map((name) => (name.includes('/') ? name : `functions/${name}`))] as const;
    },
  ),
);
layers.delete('test');
layers.delete('events');
/** They put a function together from its parts, of whatever folder, and name the domains. */
const isWiring = (file: string): boolean =>
  /^functions\/(\w+\/handler|workers\/(handler-parts|timer))\.ts$/.test(file);

describe('folders', () => {
  const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/');

  it('the table in ARCHITECTURE.md has every one of them', () => {
    const folders = ['functions', 'infra'].flatMap((parent) =>
      readdirSync(path.join(root, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}`),
    );
    expect([...layers.keys()].sort()).toEqual(folders.sort());
  });

  it.each([...layers])('%s imports what the table says, and nothing else', (folder, allowed) => {
    // What lies beside all folders (`cdk.json`) is free.
    const isForeign = (imported: string): boolean =>
      imported === 'functions/application.ts'
        ? folder.startsWith('functions/')
        : imported.includes('/') && ![folder, ...allowed].includes(folderOf(imported));
    const foreign = sourcesOf(folder)
      .filter((file) => !isWiring(file))
      .map((file) => [file, importsOf(file).filter(isForeign)] as const)
      .filter(([, imported]) => imported.length > 0);
    expect(foreign).toEqual([]);
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
    const files = [...sourcesOf('infra'), ...sourcesOf('test'), 'vitest.config.ts'];
    const imported = new Set([...inFunctions, ...packagesIn(...files)]);
    const commands = [...Object.values(scripts), ...files.map(read)].join('\n');
    const peers = Object.keys(devDependencies).flatMap((name) =>
      Object.keys(manifestOf(name).peerDependencies ?? {}),
    );
    // A command of it is run, or its folder is looked for, or one asks for it beside itself.
    const isNamed = (name: string): boolean => {
      const { bin = {} } = manifestOf(name);
      const names = typeof bin === 'string' ? [name] : Object.keys(bin);
      return (
        names.some((one) => new RegExp(`\\b${one}\\b`).test(commands)) ||
        commands.includes(`resolve('${name}')`) ||
        peers.includes(name)
      );
    };
    const ofTypes = (name: string): boolean =>
      name === '@types/node' || (name.startsWith('@types/') && imported.has(name.slice('@types/'.length)));
    expect(
      Object.keys(devDependencies).filter((name) => !imported.has(name) && !ofTypes(name) && !isNamed(name)),
    ).toEqual([]);
  });
});
