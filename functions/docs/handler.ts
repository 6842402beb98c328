/** The Lambda function of `/openapi.json`, `/docs` and `/console`. Its files are made when it is bundled and lie beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SignInSettings } from '../console/sign-in.ts';
import { withSignIn } from './console-site.ts';
import { createDocsHandler } from './site-handler.ts';
import type { DocsAnswer, DocsEvent } from './site-handler.ts';
import type { Site } from './site-file.ts';

const site = JSON.parse(readFileSync(join(import.meta.dirname, 'site.json'), 'utf8')) as Site;
// Checked where it is given: the infrastructure writes it.
const { CONSOLE_SIGN_IN: signIn } = process.env;
const settings = signIn === undefined ? undefined : (JSON.parse(signIn) as SignInSettings);
const handle = createDocsHandler(withSignIn(site, settings));

export const handler = (event: DocsEvent): Promise<DocsAnswer> => Promise.resolve(handle(event));
