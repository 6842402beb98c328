/** A real Chromium, as `npm ci` brings it along. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

/**
 * As a visitor has it. The arguments that its package proposes are for a Lambda function, and would take away what keeps
 * origins apart; all that is left out here is the sandbox, which needs rights that a container may lack.
 */
export const startBrowser = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu'],
    headless: true,
  });

const axe = readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/**
 * What stands in the way of somebody on this page, as axe-core sees it: https://github.com/dequelabs/axe-core
 * @param rules these alone, by their names at axe-core
 */
export async function obstacles(page: Page, ...rules: readonly string[]): Promise<readonly string[]> {
  await page.evaluate(await axe);
  const options = rules.length > 0 ? JSON.stringify({ runOnly: rules }) : '';
  const { violations } = await page.evaluate<{ readonly violations: readonly Finding[] }>(
    `axe.run(${options})`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
  );
}
