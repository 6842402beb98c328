/** Lines of statements and lists as they lie in the table, and how far the stream has been read for them. */
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { batch } from '../../functions/runtime/delivery-limits.ts';
import { request } from '../../functions/runtime/limits.ts';
import { listedPartition, statementPartition } from '../../functions/store/keys.ts';
import {
  linePosition,
  lineItem,
  readListedIds,
  readStatement,
  writeLines,
} from '../../functions/store/statements/lines.ts';
import type { OwnedLine } from '../../functions/store/statements/lines.ts';
import {
  lanes,
  readWatermark,
  writeHeartbeats,
  writeWatermark,
} from '../../functions/store/statements/watermark.ts';
import type { Store } from '../../functions/store/store.ts';
import { startBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';
import { dump } from '../support/table-dump.ts';

const { signal } = new AbortController();
let store: Store;
let asked: { readonly command: string; readonly input: unknown }[] = [];
beforeAll(async () => {
  const { backend } = await startBackend({
    prepare: (client) => {
      intercept(client, { before: (call) => void asked.push(call) });
    },
  });
  ({ store } = backend);
});
let tenant: string;
beforeEach(() => {
  tenant = randomUUID();
  asked = [];
});

const account = 'bank:shop:EUR';
const id = (n: number): string => `pay_${String(n).padStart(26, '0')}`;
const at = (n: number): string => new Date(n).toISOString();
const posted = (n: number, seq = n): OwnedLine => ({
  ...{ kind: 'statement', tenant },
  line: { account, entity: id(n), seq, at: at(n), command: 'confirm', amount: n },
});
const value = { collection: 'payments', attribute: 'payer', value: 'ada' };
const listed = (n: number): OwnedLine => ({
  ...{ kind: 'listed', tenant },
  line: { ...value, entity: id(n), seq: 1, at: at(n) },
});

test('a line is named after what it tells of, and written once however often it is', async () => {
  await writeLines(store, [posted(2), posted(1), posted(2), listed(1), listed(1)]);
  await writeLines(store, [posted(2)]);
  const { lines, complete } = await readStatement(store, tenant, account, { limit: 9 }, signal);
  expect(complete).toBe(true);
  expect(lines).toEqual([2, 1].map((n) => lineItem(tenant, posted(n))));
  expect(lines[0]).toEqual({
    ...{ pk: statementPartition(tenant, account), sk: `${at(2)}#${id(2)}#0000000002` },
    ...{ entity: id(2), seq: 2, at: at(2), command: 'confirm', amount: 2 },
  });
  for (const { sk } of lines) expect(sk).toMatch(linePosition);
  expect(lineItem(tenant, listed(1))).toEqual({ pk: listedPartition(tenant, value), sk: id(1) });
});

test('lines of an account are in the order of time and of their ledger', async () => {
  const same = [9, 10].map(
    (seq) => ({ ...posted(1, seq), line: { ...posted(1, seq).line, at: at(5) } }) as OwnedLine,
  );
  await writeLines(store, [...same, posted(3)]);
  const read = async (limit: number, before?: string) => {
    const { lines, complete } = await readStatement(store, tenant, account, { limit, before }, signal);
    return { seqs: lines.map(({ seq }) => seq), complete, last: lines.at(-1)?.sk };
  };
  const first = await read(2);
  expect(first).toMatchObject({ seqs: [10, 9], complete: false });
  expect(await read(2, first.last)).toMatchObject({ seqs: [3], complete: true });
});

test('what is listed under a value is read newest first, below a place', async () => {
  await writeLines(store, [1, 2, 3].map(listed));
  const read = (limit: number, before?: string) =>
    readListedIds(store, tenant, value, { limit, before }, signal);
  expect(await read(2)).toEqual({ ids: [id(3), id(2)], complete: false });
  expect(await read(2, id(2))).toEqual({ ids: [id(1)], complete: true });
  expect((await readListedIds(store, tenant, { ...value, value: 'eve' }, { limit: 2 }, signal)).ids).toEqual(
    [],
  );
});

test.each([
  '2026-11-26T12:00:00.000Z',
  id(1),
  `${at(1)}#${id(1)}#1`,
  `${at(1)}#${id(1)}#0000000001x`,
  `x${at(1)}#${id(1)}#0000000001`,
])('no line is at the position %s', (position) => {
  expect(linePosition.test(position)).toBe(false);
});

test('the watermark is that of the lane that is furthest behind, less what a commit may be late', async () => {
  const { client, tables } = store;
  const { data } = tables;
  const read = (): Promise<number> => readWatermark(client, data, signal);
  const beats = (lane: number, beatAt: number) => ({ lane, beatAt });
  const all = (beatAt: number) => Array.from({ length: lanes }, (_, lane) => beats(lane, beatAt));
  const now = 4_000_000;
  expect(await read()).toBe(0);
  await writeWatermark(client, data, all(now).slice(1));
  expect(await read()).toBe(0);
  await writeWatermark(client, data, [beats(0, now - 9), beats(0, now - 5)]);
  expect(await read()).toBe(now - 5 - request.deadlineMs);
  await writeWatermark(client, data, all(request.deadlineMs - 1));
  expect(await read()).toBe(0);
  await writeWatermark(client, data, all(request.deadlineMs + 1));
  expect(await read()).toBe(1);
  asked = [];
  await writeWatermark(client, data, []);
  expect(asked).toEqual([]);
  await read();
  expect(asked).toMatchObject([{ input: { ConsistentRead: true } }]);
});

test('a heartbeat is written to each lane, as many as one request takes', async () => {
  await writeHeartbeats(store.client, store.tables.data, 7);
  expect(asked.map(({ command }) => command)).toEqual(['BatchWriteItemCommand']);
  const beats = [...(await dump(store)).values()].filter(({ sk }) => sk === 'heartbeat');
  expect(beats).toHaveLength(batch.putsMax);
  expect(beats).toEqual(
    expect.arrayContaining(
      Array.from({ length: lanes }, (_, lane) => ({
        pk: `#heartbeat#${lane}`,
        sk: 'heartbeat',
        lane,
        beatAt: 7,
      })),
    ),
  );
});
