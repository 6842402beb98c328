/** The Lambda function of `/openapi.json`, `/docs` and `/console`. Its files are made when it is bundled and lie beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDocsHandler } from './site-handler.ts';
import type { DocsAnswer, DocsEvent } from './site-handler.ts';
import type { Site } from './site.ts';

const site = JSON.parse(readFileSync(join(import.meta.dirname, 'site.json'), 'utf8')) as Site;
const handle = createDocsHandler(site);

export const handler = (event: DocsEvent): Promise<DocsAnswer> => Promise.resolve(handle(event));
