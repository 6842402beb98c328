/**
 * The files behind `/openapi.json` and `/docs`, made when the function is bundled: the document, the page, the viewer
 * and a picture of each state machine. The function itself only hands them out.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { renderMermaidSVG } from 'beautiful-mermaid';
import type { Registry } from '../core/registry.ts';
import { createOpenApi } from './openapi.ts';
import { stateDiagram } from './state-diagram.ts';

export interface SiteFile {
  readonly type: string;
  /** Weak: it names the content, whichever way that is encoded. */
  readonly etag: string;
  /** Seconds a browser may use it without asking again. */
  readonly maxAgeSeconds: number;
  /** Gzip, as base64: what API Gateway wants of a function. */
  readonly gzip: string;
}

/** By path. A path that does not stand here does not exist. */
export type Site = Readonly<Record<string, SiteFile>>;

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

export function buildSite(registry: Registry): Site {
  const assets = new Map<string, string>([
    ['swagger-ui.css', withoutSourceMap(fromViewer('swagger-ui.css'))],
    ['swagger-ui-bundle.js', withoutSourceMap(fromViewer('swagger-ui-bundle.js'))],
    ['page.css', fromPage('page.css')],
    ['page.js', fromPage('page.js')],
    ['licenses.txt', ['NOTICE', 'LICENSE', 'swagger-ui-bundle.js.LICENSE.txt'].map(fromViewer).join('\n\n')],
    ...registry.domains.map((domain): [string, string] => [
      `${domain.collection}.svg`,
      drawing(stateDiagram(domain)),
    ]),
  ]);
  return Object.fromEntries([
    ['/docs', siteFile(types.html, withVersions(fromPage('index.html'), assets), 0)],
    ['/openapi.json', siteFile(types.json, JSON.stringify(createOpenApi(registry)), 0)],
    ...[...assets].map(([name, content]) => [
      `/docs/${name}`,
      siteFile(
        types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types],
        content,
        assetMaxAgeSeconds,
      ),
    ]),
  ]) as Site;
}

const assetMaxAgeSeconds = 24 * 60 * 60;

const digest = (content: string): string =>
  createHash('sha256').update(content).digest('base64url').slice(0, 22);

function siteFile(type: string, content: string, maxAgeSeconds: number): SiteFile {
  const gzip = gzipSync(content).toString('base64');
  return { type, etag: `W/"${digest(content)}"`, maxAgeSeconds, gzip };
}

/** The page names its assets with their digest, so that a browser never mixes an old asset with a new page. */
const withVersions = (html: string, assets: ReadonlyMap<string, string>): string =>
  html.replaceAll(/(?<=(?:href|src)="docs\/)([\w.-]+\.(?:css|js))(?=")/g, (name) => {
    const content = assets.get(name);
    if (content === undefined) throw new Error(`the docs page names "${name}", which does not exist`);
    return `${name}?${digest(content)}`;
  });

/** Source maps are not served, and a browser would ask for them. */
const withoutSourceMap = (code: string): string =>
  code.replace(/\n?(?:\/\/|\/\*)# sourceMappingURL=[^\n]*\n?$/, '\n');

/** A picture that asks nobody for anything: the renderer would have its font fetched from elsewhere. */
function drawing(mermaid: string): string {
  const svg = renderMermaidSVG(mermaid, {
    padding: 8,
    nodeSpacing: 20,
    font: 'Arial',
    transparent: true,
  });
  return svg.replace(/\s*@import url\([^)]*\);/, '');
}
