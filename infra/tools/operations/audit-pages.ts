/** The pages of an audit, one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { AuditPage } from '../../../functions/api/audit.ts';

const problem = z.object({
  entity: z.string().optional(),
  seq: z.number().optional(),
  account: z.string().optional(),
  problem: z.string(),
});

const auditPage = z.object({
  ok: z.boolean(),
  checkedEntities: z.number(),
  checkedEntries: z.number(),
  problems: z.array(problem),
  nextCursor: z.string().optional(),
});

const attemptsMax = 5;
const pauseMs = 500;

/**
 * A page that did not come is asked for again: a cursor may be used twice.
 * @throws naming what was answered where a page does not come at all
 */
export async function* auditPages(url: string, token: string): AsyncGenerator<AuditPage> {
  let cursor: string | undefined;
  do {
    const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const page = await ask(`${url}/v1/audit${query}`, token);
    yield page;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function ask(address: string, token: string): Promise<AuditPage> {
  let fault = '';
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    if (attempt > 1) await sleep(pauseMs * attempt);
    const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } }).catch(
      (error: unknown) => error as Error,
    );
    if (answer instanceof Error) {
      fault = answer.cause instanceof Error ? answer.cause.message : answer.message;
      continue;
    }
    // `exactOptionalPropertyTypes` tells an absent member from an undefined one; zod's type does not.
    if (answer.ok) return auditPage.parse(await answer.json()) as AuditPage;
    fault = `${answer.status} ${await answer.text()}`;
    if (answer.status < 500 && answer.status !== 429) break;
  }
  throw new Error(fault);
}
