import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DocsAnswer, DocsEvent } from '../../functions/docs/site-handler.ts';
import { bundle } from '../../infra/cdk/bundle.ts';

/** The function as it is deployed: its bundle, loaded from its folder, with nothing of the project around it. */
let folder: string;
let handler: (event: DocsEvent) => Promise<DocsAnswer>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docs-'));
  const bundled = bundle(['docs'], folder).get('docs') ?? '';
  const module = (await import(pathToFileURL(join(bundled, 'index.mjs')).href)) as {
    handler: typeof handler;
  };
  handler = module.handler;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function get(path: string): Promise<{ status: number; type: string; text: string }> {
  const event = {
    version: '2.0',
    rawPath: path,
    headers: { 'accept-encoding': 'gzip' },
    requestContext: { requestId: 'request-1', http: { method: 'GET', path } },
  };
  const { statusCode, headers, body, isBase64Encoded } = await handler(event as unknown as DocsEvent);
  const text = isBase64Encoded ? gunzipSync(Buffer.from(body, 'base64')).toString() : body;
  return { status: statusCode, type: headers['content-type'] ?? '', text };
}

test('the bundled function serves the page with everything it asks for, and the document', async () => {
  const page = await get('/docs');
  expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
  const assets = [...page.text.matchAll(/(?:src|href)="(docs\/[^"?]+)/g)].map(
    (match) => `/${match[1] ?? ''}`,
  );
  expect(assets).toEqual(expect.arrayContaining(['/docs/swagger-ui-bundle.js', '/docs/page.js']));
  for (const asset of assets) expect((await get(asset)).status).toBe(200);

  const document = await get('/openapi.json');
  expect(document).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' });
  const { openapi, tags } = JSON.parse(document.text) as { openapi: string; tags: { name: string }[] };
  expect(openapi).toMatch(/^3\.1\./);
  for (const { name } of tags.slice(0, -3)) {
    expect(await get(`/docs/${name}.svg`)).toMatchObject({
      status: 200,
      type: 'image/svg+xml; charset=utf-8',
    });
  }
  expect((await get('/docs/site.json')).status).toBe(404);
});
