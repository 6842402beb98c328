/**
 * What one tenant and the deployment can do by the service's documented limits of a partition key: computed from the
 * functions that make the keys and from what commands are agreed to write. `ARCHITECTURE.md` shows the same table.
 */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { dueShardOf, listPartitionOf } from '../../functions/store/keys.ts';
import { partitionLimits } from '../../functions/store/metering/capacity.ts';
import { groupPartitionOf, messageId } from '../../functions/store/outbox/message-items.ts';
import { readContracts } from '../../infra/tools/explain/contracts.ts';
import type { Contracts } from '../../infra/tools/explain/contracts.ts';

const contracts = await readContracts();

/** An invite sends a message, is listed and waits for its end: all that a command can ask of shared keys. */
const begin = 'POST /v1/invites';
const end = 'POST /v1/invites/{id}/accept';
const id = (command: number): string => `inv_01JD8Q4Z6V${String(command).padStart(16, '0')}`;
const message = (tenant: string, command: number) => ({ tenant, id: messageId(id(command), 1, 0) });

/** What a second of commands writes to one index, and where. */
interface Written {
  /** The partition key, as people call it. */
  readonly key: string;
  /** What is counted. */
  readonly of: string;
  /** Write units of each, to one key. */
  readonly units: number;
  readonly keyOf: (tenant: string, command: number) => string;
}

const written: readonly Written[] = [
  {
    key: '`open`: tenant, group, one of 4',
    of: 'messages a tenant sends: caused, ended',
    units: unitsIn('open', begin, 'worker: one message'),
    keyOf: (tenant, command) => groupPartitionOf(message(tenant, command), 'open'),
  },
  {
    key: '`closed`: tenant, group, one of 4',
    of: 'messages of a tenant that end',
    units: unitsIn('closed', 'worker: one message'),
    keyOf: (tenant, command) => groupPartitionOf(message(tenant, command), 'done'),
  },
  {
    key: '`byStatus`: tenant, collection, status, one of 2',
    of: 'entities of a tenant that come into one status, leave it or change in it',
    units: unitsIn('byStatus', begin),
    keyOf: (tenant, command) =>
      listPartitionOf(tenant, { id: id(command), collection: 'invites', status: 'pending' }),
  },
  {
    key: '`due`: one of 128 for all tenants',
    of: 'entities of all tenants that begin a wait and end one',
    units: unitsIn('due', begin, end),
    keyOf: (_, command) => dueShardOf(id(command)),
  },
];

function unitsIn(index: string, ...names: readonly (keyof Contracts)[]): number {
  const lines = names.flatMap((name) => contracts[name]?.writes ?? []);
  const ofIndex = lines.filter(({ item }) => item.endsWith(`in index ${index}`));
  return ofIndex.reduce((sum, { units }) => sum + units, 0);
}

/** Units that the busiest key takes in the worst of some seconds. */
function busiest({ keyOf, units }: Written, perSecond: number, tenants: number, seconds: number): number {
  let worst = 0;
  for (let second = 0; second < seconds; second += 1) {
    const taken = new Map<string, number>();
    for (let n = 0; n < perSecond; n += 1) {
      const key = keyOf(`tenant ${n % tenants}`, second * perSecond + n);
      taken.set(key, (taken.get(key) ?? 0) + units);
    }
    worst = Math.max(worst, ...taken.values());
  }
  return worst;
}

/** How many a second its busiest key takes, rounded down to hundreds. */
function most(of: Written): number {
  const count = 50_000;
  const each = busiest(of, count, 1, 1) / count;
  return Math.floor(partitionLimits.writeUnitsPerSecond / each / 100) * 100;
}

test.each(written)('1,000 commands a second of one tenant, one message each, pass no key: $key', (one) => {
  expect(one.units).toBeGreaterThan(0);
  expect(busiest(one, 1_000, 1, 20)).toBeLessThanOrEqual(partitionLimits.writeUnitsPerSecond);
});

test.each(written)('10,000 commands a second of the deployment pass no key: $key', (one) => {
  expect(busiest(one, 10_000, 10, 5)).toBeLessThanOrEqual(partitionLimits.writeUnitsPerSecond);
});

/** Of what all tenants read, one item only: how far the stream was read, which each page of a statement tells. */
test('3,000 pages of statements a second read the one item that tells how far they are', () => {
  const reads = contracts['GET /v1/balances/{account}/entries']?.reads ?? [];
  expect(reads).toContainEqual({ item: 'get data: watermark', units: 1 });
  expect(partitionLimits.readUnitsPerSecond).toBe(3_000);
});

test('the architecture shows what each key takes, and which is the next limit', async () => {
  const text = await readFile(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8');
  const figures = written.map((one) => ({ ...one, most: most(one) }));
  const rows = text.split('\n').filter((line) => /^\| `(?:open|closed|byStatus|due)`/.test(line));
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(cells).toEqual(
    figures.map(({ key, of, units, most: figure }) => [key, of, `${units}`, figure.toLocaleString('en')]),
  );
  const [next] = figures.toSorted((one, other) => one.most - other.most);
  const [name = ''] = /`\w+`/.exec(next?.key ?? '') ?? [];
  expect(text).toContain(`The next limit of a tenant is ${name}.`);
});
