/** A named account that is spread over several items: what is posted to it, what it holds, and what the audit sees. */
import { randomUUID } from 'node:crypto';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { amount, text } from '../../functions/core/fields.ts';
import { named, transfer } from '../../functions/core/postings.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { balanceKeys } from '../../functions/store/keys.ts';
import { readByKey } from '../../functions/store/batches.ts';
import type { BalanceItem } from '../../functions/store/entities/items.ts';
import { auditWhole, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { lacking } from '../support/changing-domain.ts';
import { decided, patientClient } from '../support/patient.ts';
import { problemsOf } from '../support/store-invariants.ts';
import { dump } from '../support/table-dump.ts';

const items = 8;
const atOnce = { concurrency: 16 };
const gift = { donor: text('ada'), cause: text('library'), amount: amount(5) };
const donorOf = (name: string) => named('donor', name, 'EUR');
const causeOf = (name: string) => named('cause', name, 'EUR');

/** Everybody gives to the same few causes. */
const donations: Domain = defineDomain({
  collection: 'donations',
  type: 'donation',
  idPrefix: 'don',
  summary: 'A gift to a cause.',
  states: ['given', 'returned'],
  attributes: gift,
  spread: { cause: items },
  create: {
    summary: 'Give',
    input: gift,
    set: ({ input }) => input,
    transfers: ({ input }) => transfer(donorOf(input.donor), causeOf(input.cause), input.amount),
  },
  transitions: {
    return: {
      summary: 'Take it back',
      from: ['given'],
      to: ['returned'],
      transfers: ({ entity }) => transfer(causeOf(entity.cause), donorOf(entity.donor), entity.amount),
    },
  },
});
/** As it was before anybody spread it. */
const plain = lacking(donations, 'spread');

const account = 'cause:library:EUR';
const give = (of: TestBackend, donor: string, sum: number, key: string = randomUUID()) =>
  of.post('/v1/donations', { donor, cause: 'library', amount: sum }, { key });
const balanceOf = async (api: TestBackend, tenant = 'acme') =>
  (await api.get(`/v1/balances/${account}`, { tenant })).json;
const auditOf = (domain: Domain, { backend }: TestBackend) =>
  createAudit({ ...backend, registry: registerDomains([domain]) });
const differing = async (domain: Domain, api: TestBackend, tenant = 'acme') =>
  (await auditWhole(auditOf(domain, api), tenant)).problems.map((found) => [
    found.problem.split(':')[0],
    found.account,
  ]);
const kept = async ({ backend: { store } }: TestBackend): Promise<readonly BalanceItem[]> =>
  readByKey<BalanceItem>(store.client, store.tables.data, balanceKeys('acme', account, items));

describe('a spread account', () => {
  it('holds what many gave at once and some took back; an audit that sums its first item alone is wrong', async () => {
    const api = await startBackend({ domains: [donations], client: patientClient });
    const sums = Array.from({ length: 40 }, (_, n) => n + 1);
    const given = await pMap(sums, (sum) => decided((key) => give(api, `donor ${sum}`, sum, key)), atOnce);
    expect(given.map(({ status }) => status)).toEqual(sums.map(() => 201));
    const back = given.slice(0, 10).map(({ json }) => `/v1/donations/${String(json['id'])}/return`);
    const returned = await pMap(back, (path) => decided((key) => api.post(path, undefined, { key })), atOnce);
    expect(returned.map(({ status }) => status)).toEqual(back.map(() => 200));

    expect(await balanceOf(api)).toEqual({ account, unit: 'EUR', balance: (40 * 41 - 10 * 11) / 2 });
    expect((await kept(api)).length).toBeGreaterThan(1);
    expect(problemsOf(api.backend.registry, await dump(api.backend.store))).toEqual([]);
    expect(await differing(donations, api)).toEqual([]);
    expect(await differing(plain, api)).toEqual([['balance_differs', account]]);
  });

  it('was never used where nobody posted to it', async () => {
    const api = await startBackend({ domains: [donations] });
    expect(await balanceOf(api)).toEqual({ account, balance: 0 });
  });

  it('keeps what lay in one item before it was spread', async () => {
    const before = await startBackend({ domains: [plain] });
    for (const sum of [100, 20]) await give(before, 'ada', sum);
    const api = await startBackend({ domains: [donations], tables: before.tables });
    expect((await balanceOf(api))['balance']).toBe(120);
    for (let n = 0; n < 20; n += 1) await give(api, 'ada', 1);
    expect((await balanceOf(api))['balance']).toBe(140);
    expect(await differing(donations, api)).toEqual([]);
  });

  it('takes duplicates of a command once, whichever items they come to', async () => {
    const api = await startBackend({ domains: [donations] });
    const key = randomUUID();
    // Those of one process wait for its first, so each comes to a process of its own.
    const processes = await Promise.all(
      Array.from({ length: 12 }, () => startBackend({ domains: [donations], tables: api.tables })),
    );
    const replies = await Promise.all(processes.map((each) => give(each, 'ada', 9, key)));
    expect(new Set(replies.map(({ text: body }) => body)).size).toBe(1);
    expect((await balanceOf(api))['balance']).toBe(9);
    expect(await kept(api)).toHaveLength(1);
  });

  it('is tried at another item after a conflict', async () => {
    const tried: unknown[] = [];
    const api = await startBackend({
      domains: [donations],
      prepare: (client) => {
        client.middlewareStack.add(
          (next, { commandName }) =>
            (args) => {
              const { TransactItems = [] } = args.input as {
                readonly TransactItems?: readonly {
                  readonly Update?: { readonly Key: { readonly pk: string } };
                }[];
              };
              const keys = TransactItems.flatMap(({ Update }) => Update?.Key.pk ?? []);
              const place = keys.find((pk) => pk.endsWith(`#${account}`));
              if (commandName !== 'TransactWriteItemsCommand' || place === undefined) return next(args);
              tried.push(place);
              if (tried.length > 3) return next(args);
              throw new TransactionCanceledException({
                $metadata: {},
                message: 'another transaction is at one of the items',
                CancellationReasons: TransactItems.map(({ Update }) => ({
                  Code: Update?.Key.pk === place ? 'TransactionConflict' : 'None',
                })),
              });
            },
          { step: 'initialize', priority: 'high', name: 'conflict' },
        );
      },
    });
    expect((await give(api, 'ada', 5)).status).toBe(201);
    expect(tried).toHaveLength(4);
    for (const [index, place] of tried.slice(1).entries()) expect(place).not.toBe(tried[index]);
    expect((await balanceOf(api))['balance']).toBe(5);
  });
});

describe('the audit of a spread account', () => {
  it('sees an item that was changed, is kept in another unit, is gone, or was put there', async () => {
    const api = await startBackend({ domains: [donations] });
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    for (const sum of [1, 2, 3, 4, 5, 6])
      await tampered.post('/v1/donations', { donor: 'ada', cause: 'library', amount: sum });
    const { client, tables } = api.backend.store;
    const keys = balanceKeys(tenant, account, items);
    const found = await readByKey<BalanceItem>(client, tables.data, keys);
    const one = { ...found.at(-1) } as Record<string, unknown> & BalanceItem;
    const wrong = [['balance_differs', account]];
    await tampered.write({ ...one, balance: one.balance + 1 });
    expect(await differing(donations, api, tenant)).toEqual(wrong);
    await tampered.write({ ...one, unit: 'USD' });
    expect(await differing(donations, api, tenant)).toEqual(wrong);
    await tampered.remove({ pk: one.pk, sk: one.sk });
    expect(await differing(donations, api, tenant)).toEqual(wrong);
    await tampered.write(one);
    expect(await differing(donations, api, tenant)).toEqual([]);
    const free = keys.find(({ pk }) => found.every((item) => item.pk !== pk));
    await tampered.write({ ...one, ...free, balance: 7 });
    expect(await differing(donations, api, tenant)).toEqual(wrong);
  });
});
