/**
 * The files behind `/openapi.json`, `/docs` and `/console`, made when the function is bundled: the document, the pages
 * with what they need, and pictures of each state machine. The function itself only hands them out.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { consoleAssets, consoleCosts, consoleLicences, consolePage } from '../console/assets.ts';
import type { Registry } from '../core/registry.ts';
import { createOpenApi } from './openapi.ts';
import { digest, siteFile } from './site-file.ts';
import type { Site } from './site-file.ts';
import { drawingForPage, drawingOf } from './state-drawing.ts';

/** Its name beside the function's bundle. */
export const siteFileName = 'site.json';

const viewer = createRequire(import.meta.url);
const fromViewer = (name: string): string => readFileSync(viewer.resolve(`swagger-ui-dist/${name}`), 'utf8');
const fromPage = (name: string): string => readFileSync(join(import.meta.dirname, 'page', name), 'utf8');

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
} as const;

/** Content by its path below the root. */
type Assets = ReadonlyMap<string, string>;

export function buildSite(registry: Registry): Site {
  const assets: Assets = new Map([...docsAssets(registry), ...consoleFiles(registry)]);
  return Object.fromEntries([
    ['/openapi.json', siteFile(types.json, JSON.stringify(createOpenApi(registry)), 0)],
    ['/docs', siteFile(types.html, withVersions(fromPage('index.html'), assets), 0)],
    ['/console', siteFile(types.html, withVersions(consolePage(), assets), 0)],
    ...[...assets].map(([path, content]) => [
      `/${path}`,
      siteFile(
        types[path.slice(path.lastIndexOf('.') + 1) as keyof typeof types],
        content,
        assetMaxAgeSeconds,
      ),
    ]),
  ]) as Site;
}

const docsAssets = ({ domains }: Registry): Assets =>
  new Map([
    ['docs/swagger-ui.css', withoutSourceMap(fromViewer('swagger-ui.css'))],
    ['docs/swagger-ui-bundle.js', withoutSourceMap(fromViewer('swagger-ui-bundle.js'))],
    ['docs/page.css', fromPage('page.css')],
    ['docs/page.js', fromPage('page.js')],
    [
      'docs/licenses.txt',
      ['NOTICE', 'LICENSE', 'swagger-ui-bundle.js.LICENSE.txt'].map(fromViewer).join('\n\n'),
    ],
    ...domains.map((domain): [string, string] => [`docs/${domain.collection}.svg`, drawingOf(domain)]),
  ]);

const consoleFiles = ({ domains }: Registry): Assets =>
  new Map([
    ...[...consoleAssets()].map(([name, content]): [string, string] => [`console/${name}`, content]),
    ['console/costs.json', consoleCosts()],
    ['console/licenses.txt', consoleLicences().join('\n\n')],
    ...domains.map((domain): [string, string] => [
      `console/${domain.collection}.svg`,
      drawingForPage(domain),
    ]),
  ]);

const assetMaxAgeSeconds = 24 * 60 * 60;

/** A page names its assets with their digest, so that a browser never mixes an old asset with a new page. */
const withVersions = (html: string, assets: Assets): string =>
  html.replaceAll(/(?<=(?:href|src)=")((?:docs|console)\/[\w.-]+\.(?:css|js))(?=")/g, (path) => {
    const content = assets.get(path);
    if (content === undefined) throw new Error(`a page names "${path}", which does not exist`);
    return `${path}?${digest(content)}`;
  });

/** Source maps are not served, and a browser would ask for them. */
const withoutSourceMap = (code: string): string =>
  code.replace(/\n?(?:\/\/|\/\*)# sourceMappingURL=[^\n]*\n?$/, '\n');
