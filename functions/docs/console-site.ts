/** The console's part of the site that is the deployment's own: where it signs in. */
import { originsOf } from '../console/sign-in.ts';
import type { SignInSettings } from '../console/sign-in.ts';
import { siteFile } from './site-file.ts';
import type { Site } from './site-file.ts';

const page = '/console';

/** @param settings absent where tokens are pasted; the page then learns that there are none */
export function withSignIn(site: Site, settings?: SignInSettings): Site {
  const settingsFile = siteFile('application/json; charset=utf-8', JSON.stringify(settings ?? {}), 0);
  const given = { ...site, '/console/sign-in.json': settingsFile };
  const console = site[page];
  if (settings === undefined || console === undefined) return given;
  return { ...given, [page]: { ...console, connectsTo: originsOf(settings) } };
}
