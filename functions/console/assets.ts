/** The console's files, made when the function that serves them is bundled; nothing generated lies in the repository. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

const page = join(import.meta.dirname, 'page');
const packages = createRequire(import.meta.url);

/** The page itself, which names its assets as `console/<name>`. */
export const consolePage = (): string => readFileSync(join(page, 'index.html'), 'utf8');

/**
 * By name: one script and one style sheet with everything they need, packages too.
 * @throws esbuild's error where a source does not parse or an import does not resolve
 */
export function consoleAssets(): ReadonlyMap<string, string> {
  const { outputFiles } = buildSync({
    absWorkingDir: page,
    entryPoints: { console: 'main.tsx' },
    outdir: page,
    write: false,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    // What Chrome, Firefox and Safari have had for two years.
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return new Map(outputFiles.map(({ path, text }) => [path.slice(page.length + 1), text]));
}

/** What each command costs by its cost contract; `npm run cost:readme` writes it. */
export const consoleCosts = (): string => readFileSync(join(import.meta.dirname, 'costs.json'), 'utf8');

/** Of the packages in the script. */
export const consoleLicences = (): readonly string[] =>
  [
    ['preact', 'LICENSE'],
    ['uplot', 'LICENSE'],
    ['oauth4webapi', 'LICENSE.md'],
  ].map(([name = '', file = '']) => {
    const folder = dirname(dirname(packages.resolve(name)));
    return `${name}\n\n${readFileSync(join(folder, file), 'utf8')}`;
  });
