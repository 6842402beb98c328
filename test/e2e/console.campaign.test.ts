/**
 * The console with very many messages: each screen of dead letters comes in parts, and none loads all of them. 100,000, or
 * what `MESSAGES` says.
 */
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDocumentClient } from '../../functions/store/client.ts';
import { putDeadLetters } from '../support/dead-letters.ts';
import { obstacles, startBrowser } from '../support/browser.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startBackendProcess } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const messages = Number(process.env['MESSAGES'] ?? 100_000);
/** A slow machine writes a hundred a second. */
const hookTimeout = 600_000 + messages * 10;
/** How long a person waits for a part of a screen, on a slow machine. */
const patience = { timeout: 60_000 };

let backend: StartedBackend;
let browser: Browser;
let page: Page;
/** Bytes of what the API answered, by its path. */
const received = new Map<string, number>();

beforeAll(async () => {
  [backend, browser] = await Promise.all([startBackendProcess(), startBrowser()]);
  const config = {
    endpoint: backend.endpoints['dynamodb'] ?? '',
    region: localRegion,
    credentials: localCredentials,
  };
  const lister = new DynamoDBClient(config);
  const { TableNames = [] } = await lister.send(new ListTablesCommand({}));
  lister.destroy();
  const tableOf = (name: string): string =>
    TableNames.find((each) => each.toLowerCase().includes(name)) ?? '';
  // Nobody waits for the writes of this test.
  const client = createDocumentClient({ ...config, requestHandler: { requestTimeout: 120_000 } });
  const tables = { data: tableOf('data'), outbox: tableOf('outbox'), idempotency: tableOf('idempotency') };
  const store = { client, tables };
  // Nine of ten have one cause.
  await putDeadLetters(store, messages - Math.floor(messages / 10), { code: '503' });
  await putDeadLetters(store, Math.floor(messages / 10), { code: 'timeout', type: 'payment.captured' });
  client.destroy();
  page = await (await browser.newContext({ locale: 'en-US' })).newPage();
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith('/v1/')) return;
    void response.body().then(
      (body) => received.set(pathname, Math.max(received.get(pathname) ?? 0, body.length)),
      () => undefined,
    );
  });
}, hookTimeout);
afterAll(async () => {
  await browser.close();
  await backend.stop();
});

it('shows how many are dead, by their causes, and a page of each', { timeout: hookTimeout }, async () => {
  await page.goto(`${backend.url}/console`);
  await page.getByRole('button', { name: 'Sign in on this machine' }).click();
  await page.getByRole('link', { name: 'Dead letters' }).click();
  const count = (of: number): RegExp => new RegExp(` ${of.toLocaleString('en')} `);
  const few = Math.floor(messages / 10);
  // It counts on, part by part, until all are counted.
  const counted = { timeout: 120_000 + messages * 5 };
  await page.getByRole('row', { name: count(messages - few) }).waitFor(counted);
  await page.getByRole('row', { name: count(few) }).waitFor(patience);
  await page.getByRole('link', { name: 'payment.captured' }).click();
  const letters = page.getByRole('table', { name: 'Letters' }).getByRole('link');
  await letters.first().waitFor(patience);
  const shown = await letters.count();
  expect(shown).toBeLessThanOrEqual(100);
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.getByRole('link', { name: 'First page' }).waitFor(patience);
  await letters.first().waitFor(patience);
  await letters.first().click();
  await page.getByRole('status').getByText('dead').waitFor(patience);
  await page.getByRole('link', { name: 'Health' }).click();
  await page.getByText(/Dead letters that wait for a person/).waitFor(patience);
  expect(await obstacles(page)).toEqual([]);
});

it('never asks for more than a page at once', () => {
  expect(received.size).toBeGreaterThan(2);
  for (const [path, bytes] of received) expect(bytes, path).toBeLessThan(256 * 1024);
});
