/** `/console` and `/docs` as a person has them: the whole backend, and a real browser. */
import { setTimeout } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { obstacles, startBrowser } from '../support/browser.ts';
import { httpCaller } from '../support/http-caller.ts';
import { startMailServer } from '../support/receivers.ts';
import type { TestMailServer } from '../support/receivers.ts';
import { startBackendProcess } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

let mails: TestMailServer;
let backend: StartedBackend;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** The place of a request that was looked up. */
let asked = '';
/** All that the browser asked for, and what it said was wrong. */
const requested: string[] = [];
const errors: string[] = [];

// What a person would look at first.
beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => {
    console.error(`${page.url()} shows:\n${await page.locator('body').innerText()}`);
  });
});

beforeAll(async () => {
  mails = await startMailServer();
  mails.refuse = 550;
  [backend, browser] = await Promise.all([
    startBackendProcess({ variables: { SMTP_URL: mails.url } }),
    startBrowser(),
  ]);
  context = await browser.newContext({ locale: 'en-US', viewport: { width: 1100, height: 720 } });
  context.on('request', (request) => requested.push(request.url()));
  page = await context.newPage();
  page.on('console', (message) => {
    // A refused command is no error of the page, nor is a key that nothing is kept under.
    if (message.type() === 'error' && !/status of 40[04]/.test(message.text())) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
});
afterAll(async () => {
  await browser.close();
  await backend.stop();
  await mails.stop();
});

const open = (place: string): Promise<unknown> => page.goto(`${backend.url}/console#/${place}`);
const button = (name: string) => page.getByRole('button', { name, exact: true });
/** For the README, where `SCREENSHOTS` names a folder. */
const shot = async (name: string): Promise<void> => {
  const { SCREENSHOTS: folder } = process.env;
  if (!folder) return;
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });
};
const heading = (name: string) => page.getByRole('heading', { name, exact: true });
/** A list by attribute follows the stream, so it is loaded again until it has the entity. */
const expectListed = (id: string) =>
  expect
    .poll(
      async () => {
        await page.reload();
        await page.getByText(/Complete up to|how far this is complete/).waitFor();
        return page.getByRole('link', { name: id }).count();
      },
      { timeout: 30_000 },
    )
    .toBe(1);

describe('the console', () => {
  it('signs in with one click on one machine', async () => {
    await open('');
    expect(await obstacles(page)).toEqual([]);
    await button('Sign in on this machine').click();
    await heading('Health').waitFor();
    await page.getByText('Nothing is stuck.').waitFor();
  });

  it('runs commands from forms, and says what is wrong with them', async () => {
    await open('entities/approvals');
    await button('Create').click();
    await page.getByLabel('title').fill('Buy a new press');
    await page.getByLabel('approvers').fill('bob\ncarol');
    await page.getByLabel('quorum').fill('3');
    await button('Send').click();
    await page.getByText('must not be more than there are approvers').first().waitFor();
    await page.getByLabel('quorum').fill('1');
    await button('Send').click();
    await button('submit').click();
    await button('Send').click();
    await page.getByText('submit: done.').waitFor();
    await page.getByText('draft → submitted').waitFor();
    await shot('entity');
  });

  it('shows who holds an entity and until when, and what happens to it by itself', async () => {
    const { post } = await httpCaller(backend, 'acme', 'carol');
    const showing = await post('/v1/showings', { title: 'Momo', capacity: 3 }, 'momo');
    const reservation = await post('/v1/reservations', { showingId: showing['id'], customer: 'ada' });
    const id = String(reservation['id']);
    await post(`/v1/reservations/${id}/lock`, { ttlSeconds: 300, wait: 'nowait' });
    await open(`entities/reservations/${id}`);
    await page.getByText('locked by carol until').waitFor();
    await page.getByText(/^expire .*\(in 9 minutes|\(in 10 minutes/).waitFor();
    await shot('timing');
    await open('entities/reservations');
    await page.getByLabel('customer').fill('nobody');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing here.').waitFor();
    await page.getByLabel('customer').fill('ada');
    await page.keyboard.press('Enter');
    await page.getByText(/Complete up to|how far this is complete/).waitFor();
    await expectListed(id);
    await shot('listed');
    // A creation that posts nothing is listed, too.
    const payment = await post('/v1/payments', { payer: 'carol', payee: 'shop', amount: 1, currency: 'EUR' });
    await open('entities/payments?payer=carol');
    await expectListed(String(payment['id']));
  });

  it('moves no button while the rest of a screen is on its way', async () => {
    await open('entities/approvals');
    await page.route(/\/timing$|\.svg$/, async (route) => {
      await setTimeout(500);
      await route.continue();
    });
    await page.getByRole('table').getByRole('link').first().click();
    const early = await button('withdraw').boundingBox();
    await page.getByText('Nobody holds it.').waitFor();
    await page.locator('.machine svg').waitFor();
    expect(await button('withdraw').boundingBox()).toEqual(early);
    await page.unrouteAll({ behavior: 'wait' });
  });

  it('misses nobody who is quick, and leaves them the focus', async () => {
    // Somebody who leaves a screen, and is in a field of the next one, as soon as it is there.
    await page.evaluate(`
      new MutationObserver((_changes, observer) => {
        const field = document.querySelector('input[name="customer"]');
        if (field) {
          observer.disconnect();
          field.focus();
        } else if (document.querySelector('h1')?.textContent === 'Entities') {
          location.hash = '#/entities/reservations';
        }
      }).observe(document.body, { childList: true, subtree: true });
      location.hash = '#/entities/approvals';
    `);
    await page.getByLabel('customer').waitFor();
    // The screen has told its name, with which it takes the focus.
    await page.waitForFunction("document.title.includes('reservations')");
    expect(await page.evaluate('document.activeElement.name')).toBe('customer');
    await open('entities/approvals');
    await page.getByRole('table').getByRole('link').first().click();
  });

  it('keeps what was entered while the API fails, and says that the screen is old', async () => {
    await button('withdraw').click();
    const onlyThisVersion = page.getByLabel('Only if it is still version');
    await onlyThisVersion.uncheck();
    await page.route(/\/v1\/approvals\/[^/]+$/, (route) =>
      route.fulfill({ status: 404, json: { status: 404, code: 'not_found', detail: 'For a moment.' } }),
    );
    await page.getByText('This may be old').waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByText('This may be old').waitFor({ state: 'detached' });
    expect(await onlyThisVersion.isChecked()).toBe(false);
  });

  it('shows what a key was answered, what it wrote and what it costs', async () => {
    await page.getByRole('link', { name: 'Requests' }).click();
    await page.getByLabel('Idempotency-Key').fill('momo');
    await page.getByLabel('Path').fill('/v1/showings');
    await button('Show').click();
    await page.getByText('No answer is kept under this key').waitFor();
    await page.getByLabel('Sent by').fill('carol');
    await button('Show').click();
    await page.getByText('"title": "Momo"').first().waitFor();
    await page.getByRole('heading', { name: '1. create' }).waitFor();
    await page.getByRole('row', { name: /^POST \/v1\/showings 1 0 \d+ \$\d/ }).waitFor();
    asked = page.url().split('#/')[1] ?? '';
    await shot('request');
    await page.getByRole('definition').getByRole('link', { name: /^shw_/ }).click();
    await heading('Ledger').waitFor();
    await open('entities/approvals');
    await page.getByRole('table').getByRole('link').first().click();
    await heading('Ledger').waitFor();
  });

  it('stops a redrive whose cause is still there, and leads to what is dead still', async () => {
    const entity = page.url();
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByRole('row', { name: /approval\.submitted notification .* 2 / }).waitFor();
    await page.getByRole('link', { name: 'Redrive these' }).click();
    await page.getByText('How fast, and when it stops').click();
    await page.getByLabel('First step').fill('1');
    await button('Show what it would do').click();
    await button('Start the run').click();
    await page.getByText('It stopped by itself').waitFor();
    await page.getByText('Not run again: 1.').waitFor();
    await page.getByRole('link', { name: 'Prepare the same run again' }).click();
    await expect
      .poll(() => page.getByLabel('About', { exact: true }).inputValue())
      .toBe('approval.submitted');
    await page.goBack();
    await page.getByRole('link', { name: 'Show what is dead still' }).click();
    await expect.poll(() => page.getByRole('table', { name: 'Letters' }).getByRole('link').count()).toBe(2);
    await page.goto(entity);
  });

  it('finds a group of dead letters, runs one again, and sees it done', async () => {
    await page.getByRole('link', { name: 'approval.submitted' }).last().click();
    // The mail server refuses for good: the letter is given up at once.
    await page.getByRole('status').getByText('dead').waitFor();
    mails.refuse = 0;
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByRole('row', { name: /approval\.submitted notification .* 2 / }).waitFor();
    await shot('dead-letters');
    await page.getByRole('link', { name: 'approval.submitted' }).click();
    const letters = page.getByRole('table', { name: 'Letters' }).getByRole('link');
    await expect.poll(() => letters.count()).toBe(2);
    await letters.first().click();
    await page.getByRole('row', { name: /550/ }).first().waitFor();
    await page.getByRole('link', { name: 'Redrive all that failed like it' }).click();
    await button('Show what it would do').click();
    await page.getByText('Letters it would run again: 2.').waitFor();
    await page.goBack();
    await button('Run it again').click();
    await page.getByRole('status').getByText('done', { exact: true }).waitFor();
    expect(mails.mails).toHaveLength(1);
  });

  it('previews a redrive of a group, starts it, and sees it done', async () => {
    await page.getByRole('link', { name: 'Dead letters' }).click();
    await page.getByRole('link', { name: 'Redrive these' }).click();
    await button('Show what it would do').click();
    await page.getByText('Letters it would run again: 1.').waitFor();
    await page.getByText('Its steps: 1.').waitFor();
    await shot('redrive');
    await button('Start the run').click();
    await page.getByRole('status').getByText('done', { exact: true }).waitFor();
    await page
      .getByRole('definition')
      .getByText(/^[\d.]+ seconds?$/)
      .waitFor();
    expect(mails.mails).toHaveLength(2);
  });

  it('has nothing in anybody’s way on any screen, in light and in dark', async () => {
    await open('entities/approvals');
    const entity = await page.getByRole('table').getByRole('link').first().getAttribute('href');
    await page.goto(`${backend.url}/console${entity ?? ''}`);
    const message = await page.getByRole('link', { name: 'approval.submitted' }).last().getAttribute('href');
    const places = [
      '',
      'letters',
      'letters?topic=notification',
      'redrives',
      'operations',
      'requests',
      asked,
      'entities',
      'entities/reservations?customer=ada',
      'balances?account=cash',
      'audit',
    ];
    for (const place of [...places, ...[entity, message].map((href) => (href ?? '').slice('#/'.length))]) {
      await open(place);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Loading …').first().waitFor({ state: 'detached' });
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      expect(await obstacles(page), `${place} in light`).toEqual([]);
      // In the dark nothing but the colours is another.
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await obstacles(page, 'color-contrast'), `${place} in dark`).toEqual([]);
    }
  });

  it('speaks Korean', async () => {
    await page.getByLabel('Language').selectOption('한국어');
    await open('audit');
    await button('감사 실행').click();
    await page.getByText('문제가 발견되지 않았습니다.').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  });
});

it('/docs shows the collections to read and to try', async () => {
  await page.goto(`${backend.url}/docs`);
  await page.locator('#operations-tag-payments').waitFor();
});

it('asks nobody else for anything, and keeps the token out of every URL and lasting store', async () => {
  expect(errors).toEqual([]);
  expect(requested.length).toBeGreaterThan(20);
  expect(requested.filter((url) => !url.startsWith(`${backend.url}/`) && !url.startsWith('data:'))).toEqual(
    [],
  );
  const token = await page.evaluate<string>('sessionStorage.getItem("token")');
  expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  expect([...requested, page.url()].filter((url) => url.includes(token.slice(-20)))).toEqual([]);
  expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).not.toContain(token);
});
