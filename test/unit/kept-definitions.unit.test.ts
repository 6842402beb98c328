import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Domain } from '../../functions/core/definition.ts';
import { approvals } from '../../functions/domains/approvals.ts';
import { payments } from '../../functions/domains/payments.ts';
import { compareWithKept } from '../../infra/local/kept-definitions.ts';

let folder: string;
let logged: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'commit-once-'));
  logged = [];
});

/** A start that goes well. */
async function start(code: readonly Domain[], evolve?: string): Promise<void> {
  const log = (_source: string, line: string): unknown => logged.push(line);
  const keep = await compareWithKept(folder, { evolve, log, code });
  await keep();
}

test('a folder that is new, and one that was used with the same definitions, need no word', async () => {
  await start([payments]);
  await start([payments]);
  expect(logged).toEqual([]);
});

test('a safe change is told and goes on, once', async () => {
  await start([payments]);
  await start([payments, approvals]);
  await start([payments, approvals]);
  expect(logged).toEqual([
    'approvals\n  safe: approvals\n      It is new; the older version knows no route to it.',
  ]);
});

test('a change that would break what lives there stops the start, and changes nothing', async () => {
  await start([payments, approvals]);
  for (const evolve of [undefined, 'no']) {
    await expect(start([payments], evolve)).rejects.toThrow(/approvals\n {2}REFUSED: approvals/);
  }
  await start([payments, approvals]);
  expect(logged).toEqual([]);
});

test('who goes on anyway is told all the same', async () => {
  await start([payments, approvals]);
  await start([payments], 'anyway');
  expect(logged.join()).toMatch(/REFUSED/);
  await start([payments]);
  expect(logged).toHaveLength(1);
});

test('a note that cannot be read is told in one line', async () => {
  await writeFile(path.join(folder, 'definitions.json'), '{');
  await expect(start([payments])).rejects.toThrow(/^[^\n]*definitions\.json cannot be read[^\n]*$/);
});
