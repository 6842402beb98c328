/** The console signs in at an issuer: the whole backend, a real OpenID provider, and a real browser. */
import { setTimeout } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { obstacles, startBrowser } from '../support/browser.ts';
import { audience, clientId, resource, startOpenIdProvider } from '../support/openid-provider.ts';
import type { OpenIdProvider } from '../support/openid-provider.ts';
import { startBackendProcess, tokenFor } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const place = '#/letters?topic=notification';

let issuer: OpenIdProvider;
let backend: StartedBackend;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** All that the browser asked for. */
let requested: string[];

beforeAll(async () => {
  issuer = await startOpenIdProvider();
  const variables = {
    JWT_ISSUER: issuer.url,
    JWT_AUDIENCE: audience,
    CONSOLE_CLIENT_ID: clientId,
    CONSOLE_RESOURCE: resource,
  };
  [backend, browser] = await Promise.all([startBackendProcess({ variables }), startBrowser()]);
  issuer.serve(`${backend.url}/console`);
});
afterAll(async () => {
  await browser.close();
  await backend.stop();
  issuer.stop();
});

// Somebody whom neither the console nor the issuer has seen before.
beforeEach(async () => {
  context = await browser.newContext({ locale: 'en-US' });
  page = await context.newPage();
  requested = [];
  context.on('request', (request) => requested.push(request.url()));
});
afterEach(async () => {
  issuer.reset();
  await context.close();
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const alert = (words: string) => page.getByRole('alert').getByText(words);
const stored = (): Promise<unknown> => page.evaluate('Object.keys(sessionStorage).sort()');
const open = (where = place): Promise<unknown> => page.goto(`${backend.url}/console${where}`);

async function signIn(answer: 'Allow' | 'Deny' = 'Allow'): Promise<void> {
  await button('Sign in').click();
  await button(answer).click();
}

async function expectSignedIn(where = place): Promise<void> {
  await page.getByText('alice · acme').waitFor();
  expect(page.url()).toBe(`${backend.url}/console${where}`);
  expect(await stored()).toEqual(['token']);
}

describe('the console of a deployment that names a client', () => {
  it('signs in with PKCE, and shows the viewer what they came for', async () => {
    await open();
    await button('Sign in').waitFor();
    expect(await obstacles(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await obstacles(page, 'color-contrast')).toEqual([]);
    await button('Sign in').click();
    await button('Allow').waitFor();
    const asked = new URL(requested.find((url) => url.startsWith(`${issuer.url}/auth?`)) ?? '').searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      scope: 'openid commands ops',
      code_challenge_method: 'S256',
      resource,
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)).toMatch(/^[\w-]{43}$/);
    const groups = page.waitForResponse((response) => response.url().includes('/v1/messages'));
    await button('Allow').click();
    expect((await groups).status()).toBe(200);
    await expectSignedIn();
  });

  it('keeps the token out of every URL and lasting store, and asks the issuer alone beside its own origin', async () => {
    await open();
    await signIn();
    await expectSignedIn();
    await page.reload();
    await expectSignedIn();
    const token = await page.evaluate<string>('sessionStorage.getItem("token")');
    expect(requested.filter((url) => url.includes(token.slice(-20)))).toEqual([]);
    expect(JSON.stringify(await context.storageState())).not.toContain(token.slice(-20));
    expect(requested.filter((url) => ![backend.url, issuer.url].includes(new URL(url).origin))).toEqual(
      ['data:,'].filter((url) => requested.includes(url)),
    );
    const policyOf = async (path: string): Promise<string> =>
      (await fetch(`${backend.url}${path}`)).headers.get('content-security-policy') ?? '';
    expect(await policyOf('/console')).toContain(`; connect-src 'self' ${issuer.url}; `);
    expect(await policyOf('/docs')).toContain(`; connect-src 'self'; `);
    await button('Sign out').click();
    await button('Sign in').waitFor();
    expect(await stored()).toEqual([]);
  });

  it('says so where the issuer denies, and lets the viewer try again', async () => {
    await open();
    await signIn('Deny');
    await alert('The issuer says that the sign-in was denied.').waitFor();
    expect(await obstacles(page)).toEqual([]);
    expect(page.url()).toBe(`${backend.url}/console${place}`);
    expect(await stored()).toEqual([]);
    await signIn();
    await expectSignedIn();
  });

  it('uses no answer to a sign-in that the tab did not begin', async () => {
    const before = issuer.redemptions();
    await open(`?code=stolen&state=forged${place}`);
    await alert('This tab did not begin the sign-in').waitFor();
    expect(page.url()).toBe(`${backend.url}/console${place}`);
    // Nor one with another state than it sent.
    await button('Sign in').click();
    await button('Allow').waitFor();
    await open('?code=stolen&state=forged');
    await alert('This tab did not begin the sign-in').waitFor();
    expect(await stored()).toEqual([]);
    expect(issuer.redemptions()).toBe(before);
    expect(page.url()).toBe(`${backend.url}/console${place}`);
    await signIn();
    await page.getByText('alice · acme').waitFor();
    // Nor does one sign anybody out.
    await open(`?code=stolen&state=forged${place}`);
    await expectSignedIn();
    expect(issuer.redemptions()).toBe(before + 1);
  });

  it('says so where the issuer does not answer, and lets the viewer try again', async () => {
    await page.route(`${issuer.url}/**`, (route) => route.abort());
    await open();
    await button('Sign in').click();
    await alert('The issuer could not be reached').waitFor();
    await page.unroute(`${issuer.url}/**`);
    await signIn();
    await expectSignedIn();
  });

  it('says so where the answer is too old', async () => {
    issuer.issues.usedCodes = true;
    await open();
    await signIn();
    await alert('The sign-in took too long').waitFor();
    expect(page.url()).toBe(`${backend.url}/console${place}`);
  });

  it('says so where the issuer refuses what the console asks for', async () => {
    // Without a page of its own it cannot ask the viewer.
    await page.route(/\/auth\?/, (route) => route.continue({ url: `${route.request().url()}&prompt=none` }));
    await open();
    await button('Sign in').click();
    await alert('The issuer did not sign you in: login_required').waitFor();
  });

  it('uses no token of an answer to another question', async () => {
    await page.route(/\/auth\?/, (route) =>
      route.continue({
        url: route
          .request()
          .url()
          .replace(/nonce=[^&]*/, 'nonce=another'),
      }),
    );
    await open();
    await signIn();
    await alert('"nonce"').waitFor();
    expect(await stored()).toEqual([]);
  });

  it('says which option is missing where tokens come from another origin', async () => {
    await page.route(/openid-configuration$/, async (route) => {
      const response = await route.fetch();
      const metadata = (await response.json()) as object;
      await route.fulfill({ response, json: { ...metadata, token_endpoint: 'https://auth.example/token' } });
    });
    await open();
    await button('Sign in').click();
    await alert('-c consoleTokenOrigin=https://auth.example').waitFor();
    expect(await stored()).toEqual([]);
  });

  it('says so where the token is one that the API cannot read, or does not accept', async () => {
    issuer.issues.format = 'opaque';
    await open();
    await signIn();
    await alert('it is no JWT').waitFor();
    Object.assign(issuer.issues, { format: 'jwt', audience: 'somebody else' });
    await button('Sign in').click();
    await alert('The API did not accept your token.').waitFor();
    expect(await stored()).toEqual([]);
  });

  it('leads back to the sign-in when the token has expired, and then to where the viewer was', async () => {
    issuer.issues.tokenSeconds = 1;
    await open();
    await signIn();
    await page.getByText(/alice · acme|Your token has expired/).waitFor();
    await setTimeout(1_100);
    // A screen of another topic asks anew.
    const elsewhere = '#/letters?topic=report';
    await page.evaluate(`location.hash = '${elsewhere}'`);
    await alert('Your token has expired.').waitFor();
    issuer.issues.tokenSeconds = 600;
    // The issuer still knows the viewer.
    await button('Sign in').click();
    await expectSignedIn(elsewhere);
  });

  it('takes a pasted token as ever', async () => {
    await open();
    await page.getByText('Use a token instead').click();
    await page.getByLabel('Token', { exact: true }).fill(await tokenFor('acme'));
    await button('Sign in with a token').click();
    await expectSignedIn();
  });

  it('says it all in Korean', async () => {
    await open();
    await signIn('Deny');
    await alert('The issuer says that the sign-in was denied.').waitFor();
    await page.getByLabel('Language').selectOption('한국어');
    await alert('로그인이 거절되었다').waitFor();
    await page.getByText('토큰을 직접 입력하기').waitFor();
    await button('로그인').click();
    await button('Allow').click();
    await expectSignedIn();
  });
});
