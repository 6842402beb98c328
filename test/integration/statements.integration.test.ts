/** Statements of accounts: kept up by the stream, healed by the nightly audit, checked by both audits. */
import { randomUUID } from 'node:crypto';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { openMaxMs } from '../../functions/audit/limits.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { request } from '../../functions/runtime/limits.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { statementPartition } from '../../functions/store/keys.ts';
import { writeLines } from '../../functions/store/statements/lines.ts';
import type { LineItem } from '../../functions/store/statements/lines.ts';
import { writeHeartbeats } from '../../functions/store/statements/watermark.ts';
import { createStatementWriter } from '../../functions/statements/statement-writer.ts';
import { StreamReader } from '../../infra/local/stream-reader.ts';
import { toStreamRecord } from '../../infra/local/stream-mapping.ts';
import { auditWhole, located } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { createTables, deleteTables } from '../support/dynamodb.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { silent, streamEvent } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';
import { dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';

/** The stream is a moment behind, and on a busy machine a few. */
const soon = { timeout: 30_000 };

const holding = 'holding:shop:EUR';
const payment = (amount: number) => ({ payer: 'ada', payee: 'shop', amount, currency: 'EUR' });

interface Page {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly asOf: string;
  readonly nextCursor?: string;
}

async function statement(api: TestBackend, account: string, query = '', tenant = 'acme'): Promise<Page> {
  const path = `/v1/balances/${encodeURIComponent(account)}/entries${query}`;
  const { status, json } = await api.get(path, { tenant });
  expect(status).toBe(200);
  return json as unknown as Page;
}

async function created(
  api: TestBackend,
  collection: string,
  body: unknown,
  tenant = 'acme',
): Promise<string> {
  const { json } = await api.post(`/v1/${collection}`, body, { tenant });
  return String(json['id']);
}

/** A payment that was taken: one line for its payer, one for the holding account. */
async function paid(api: TestBackend, amount: number, tenant = 'acme'): Promise<string> {
  const id = await created(api, 'payments', payment(amount), tenant);
  expect((await api.post(`/v1/payments/${id}/confirm`, undefined, { tenant })).status).toBe(200);
  return id;
}

const writerOn = (api: TestBackend, client = api.backend.store.client) =>
  createStatementWriter({
    registry: api.backend.registry,
    store: { client, tables: api.tables },
    log: silent,
  });

describe('a statement', () => {
  let api: TestBackend;
  let reader: StreamReader;
  const config = { endpoint: inject('dynamodbEndpoint'), region: localRegion, credentials: localCredentials };
  const creator = new DynamoDBClient(config);
  const streams = new DynamoDBStreamsClient(config);

  beforeAll(async () => {
    const tables = await createTables(creator, `statements-${randomUUID()}`, { streams: true });
    api = await startBackend({ tables });
    const { Table } = await creator.send(new DescribeTableCommand({ TableName: tables.data }));
    const streamArn = Table?.LatestStreamArn ?? '';
    const write = writerOn(api);
    reader = new StreamReader({
      client: streams,
      streamArn,
      batchSize: 100,
      process: async ({ records }) => {
        const Records = records.map((record) => toStreamRecord(record, { streamArn, region: localRegion }));
        await write({ Records } as unknown as DynamoDBStreamEvent);
        return true;
      },
      onError: (error) => {
        throw error;
      },
    });
    await reader.start('TRIM_HORIZON');
  });
  afterAll(async () => {
    await reader.stop();
    await deleteTables(creator, api.tables);
    creator.destroy();
    streams.destroy();
  });

  it('lists what was posted, newest first, page by page', async () => {
    const ids: string[] = [];
    for (const amount of [100, 200, 300]) ids.push(await paid(api, amount));
    await vi.waitFor(async () => {
      expect((await statement(api, holding)).items).toHaveLength(3);
      expect((await statement(api, 'payer:ada:EUR')).items).toHaveLength(3);
    }, soon);
    const first = await statement(api, holding, '?limit=2');
    expect(first.items).toEqual(
      [
        [ids[2], 300],
        [ids[1], 200],
      ].map(([entity, amount]) => ({
        ...{ entity, amount, seq: 2, command: 'confirm' },
        at: expect.stringMatching(/Z$/) as unknown,
      })),
    );
    const rest = await statement(api, holding, `?limit=2&cursor=${String(first.nextCursor)}`);
    expect(rest.items).toMatchObject([{ entity: ids[0], amount: 100 }]);
    expect(rest).not.toHaveProperty('nextCursor');
    expect((await statement(api, 'payer:ada:EUR', '?limit=1')).items).toMatchObject([{ amount: -300 }]);
    expect((await statement(api, holding, '?limit=3')).nextCursor).toBeUndefined();
  });

  it('takes a limit from 1 to the largest, and a cursor of its own', async () => {
    const path = `/v1/balances/${holding}/entries`;
    const statuses = async (...queries: string[]) =>
      Promise.all(queries.map(async (query) => (await api.get(`${path}?${query}`)).status));
    const { pageMax } = request;
    expect(await statuses('limit=1', `limit=${pageMax}`)).toEqual([200, 200]);
    expect(await statuses('limit=0', `limit=${pageMax + 1}`, 'cursor=x', 'from=x')).toEqual([
      400, 400, 400, 400,
    ]);
    const { nextCursor = '' } = await statement(api, holding, '?limit=1');
    const elsewhere = `/v1/balances/payer:ada:EUR/entries?cursor=${nextCursor}`;
    expect((await api.get(elsewhere)).status).toBe(400);
  });

  it('of points has what was earned, spent and passed on', async () => {
    const from = await created(api, 'point-accounts', { owner: 'ada' });
    const to = await created(api, 'point-accounts', { owner: 'bob' });
    await api.post(`/v1/point-accounts/${from}/earn`, { amount: 50, reason: 'Welcome' });
    await api.post(`/v1/point-accounts/${from}/spend`, { amount: 20, reason: 'A coffee' });
    await api.post(`/v1/point-accounts/${from}/transfer`, { to, amount: 5 });
    await vi.waitFor(async () => {
      expect((await statement(api, `${from}:balance`)).items).toMatchObject([
        { entity: from, seq: 4, amount: -5, command: 'transfer' },
        { entity: from, seq: 3, amount: -20, command: 'spend' },
        { entity: from, seq: 2, amount: 50, command: 'earn' },
      ]);
      expect((await statement(api, `${to}:balance`)).items).toMatchObject([
        { entity: to, seq: 2, amount: 5, command: 'receive' },
      ]);
    }, soon);
  });

  it('says how far it is: as far as the heartbeats that came through the stream', async () => {
    expect((await statement(api, holding)).asOf).toBe(timestamp(0));
    const { client } = api.backend.store;
    const beatAt = Date.now();
    await writeHeartbeats(client, api.tables.data, beatAt);
    const asOf = timestamp(beatAt - request.deadlineMs);
    await vi.waitFor(async () => {
      expect((await statement(api, holding)).asOf).toBe(asOf);
    }, soon);
    // One lane stays behind: its shard is stuck.
    await writerOn(api)(
      streamEvent({ pk: '#heartbeat#0', sk: 'heartbeat', lane: 0, beatAt: beatAt - 60_000 }),
    );
    expect((await statement(api, holding)).asOf).toBe(timestamp(beatAt - 60_000 - request.deadlineMs));
  });

  it('of another tenant shows nothing', async () => {
    await paid(api, 100, 'other');
    await vi.waitFor(async () => {
      expect((await statement(api, holding, '', 'other')).items).toHaveLength(1);
    }, soon);
    expect((await statement(api, holding, '', 'third')).items).toEqual([]);
    const { nextCursor = '' } = await statement(api, holding, '?limit=1');
    const foreign = `/v1/balances/${holding}/entries?cursor=${nextCursor}`;
    expect((await api.get(foreign, { tenant: 'other' })).status).toBe(400);
  });

  it.each([
    'bank:shop:EUR',
    'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC:issued',
    'nobody',
    'pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC:x',
  ])('is not kept of %s: 404 no_statement', async (account) => {
    const { status, json } = await api.get(`/v1/balances/${account}/entries`);
    expect([status, json['code']]).toEqual([404, 'no_statement']);
  });
});

describe('the statement writer', () => {
  let api: TestBackend;
  let event: DynamoDBStreamEvent;
  const tenant = 'a tenant/#1';

  beforeAll(async () => {
    api = await startBackend();
    await paid(api, 100, tenant);
    await paid(api, 250, tenant);
    event = streamEvent(...(await dump(api.backend.store)).values());
  });

  /** What lies in the holding account's statement, as it lies there. */
  async function lines(of = api): Promise<readonly unknown[]> {
    return [...(await dump(of.backend.store)).values()].filter(
      ({ pk }) => pk === statementPartition(tenant, holding),
    );
  }

  it('writes a record that comes twice once, in one batch and in two', async () => {
    const twice = { Records: [...event.Records, ...event.Records] };
    await writerOn(api)(twice);
    const once = await lines();
    expect(once).toHaveLength(2);
    await writerOn(api)(twice);
    expect(await lines()).toEqual(once);
  });

  it('killed at any of its calls writes all when the records come again', async () => {
    const expected = await lines();
    const beat = streamEvent({ pk: '#heartbeat#0', sk: 'heartbeat', lane: 0, beatAt: 1 });
    const all = { Records: [...event.Records, ...beat.Records] };
    const killed: string[] = [];
    for (const hook of ['before', 'after'] as const) {
      for (let at = 0; ; at += 1) {
        const fresh = await startBackend();
        let calls = 0;
        let command: string | undefined;
        const client = createDocumentClient({
          endpoint: inject('dynamodbEndpoint'),
          region: localRegion,
          credentials: localCredentials,
        });
        intercept(client, {
          [hook]: (call: { readonly command: string }) => {
            if (calls++ !== at) return;
            ({ command } = call);
            throw new Error('killed');
          },
        });
        const ended = await writerOn(
          fresh,
          client,
        )(all).then(
          () => 'done',
          () => 'killed',
        );
        expect(ended).toBe(command === undefined ? 'done' : 'killed');
        if (command === undefined) break;
        killed.push(`${hook} ${command}`);
        expect(await writerOn(fresh)(all)).toEqual({ batchItemFailures: [] });
        expect(await lines(fresh)).toEqual(expected);
      }
    }
    expect(killed).toEqual(
      ['before', 'after'].flatMap((hook) => [`${hook} BatchWriteItemCommand`, `${hook} UpdateItemCommand`]),
    );
  });

  it('is not held up by what it cannot read, and is not moved by an entry that was changed', async () => {
    const before = await lines();
    const broken = streamEvent(
      { pk: 'no entity', sk: 'entry#0000000001', postings: '[]' },
      { pk: 'acme#pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC', sk: 'entry#0000000001', data: '{}', postings: 'no JSON' },
      { pk: '#heartbeat#x', sk: 'heartbeat', lane: 'x', beatAt: 1 },
    );
    const changed = event.Records.map((record) => ({ ...record, eventName: 'MODIFY' as const }));
    const fresh = await startBackend();
    await writerOn(fresh)({ Records: [...broken.Records, ...changed] });
    expect(await lines(fresh)).toEqual([]);
    await writerOn(fresh)({ Records: [...broken.Records, ...event.Records] });
    expect(await lines(fresh)).toEqual(before);
  });
});

describe('the audit of statements', () => {
  const clock = createTestClock();
  let api: TestBackend;

  beforeAll(async () => {
    api = await startBackend({ clock });
  });

  /** As `GET /v1/audit` checks, and as the nightly audit heals. */
  const audits = () => ({
    check: createAudit(api.backend),
    heal: createAudit(api.backend, (tenant, missing) =>
      writeLines(
        api.backend.store,
        missing.map((line) => ({ ...line, tenant })),
      ),
    ),
  });

  it('writes what the stream lost, and what was posted before a statement was kept', async () => {
    const tenant = randomUUID();
    const { check, heal } = audits();
    const committedAt = clock.now();
    const id = await clock.at(committedAt, () => paid(api, 100, tenant));
    const foundAt = (ageMs: number) =>
      clock.at(committedAt + ageMs, async () => located((await auditWhole(check, tenant)).problems));
    const missing = ['line_missing', id, 2];
    // Until then it may be on its way. The message of the capture was never sent here, so it is told as well.
    expect(await foundAt(openMaxMs - 1)).not.toContainEqual(missing);
    const found = await foundAt(openMaxMs);
    // Two lines of statements, and that the payment is listed by its payer.
    expect(found.filter(([code]) => code === 'line_missing')).toEqual([
      ['line_missing', id, 1],
      missing,
      missing,
    ]);

    await clock.at(committedAt + openMaxMs, async () => {
      expect(located((await auditWhole(heal, tenant)).problems)).not.toContainEqual(missing);
    });
    expect((await statement(api, holding, '', tenant)).items).toMatchObject([{ entity: id, amount: 100 }]);
    expect(await foundAt(openMaxMs)).not.toContainEqual(missing);
  });

  it('finds a line that was changed, and leaves it for a person', async () => {
    const tenant = randomUUID();
    const { check, heal } = audits();
    const id = await paid(api, 100, tenant);
    await writerOn(api)(streamEvent(...(await dump(api.backend.store)).values()));
    expect((await auditWhole(check, tenant)).problems).toEqual([]);
    const items = [...(await dump(api.backend.store)).values()] as unknown as LineItem[];
    const line = items.find(({ pk }) => pk === statementPartition(tenant, holding));
    await api.backend.store.client.send(
      new PutCommand({ TableName: api.tables.data, Item: { ...line, amount: 1_000_000 } }),
    );
    for (const audit of [check, heal]) {
      const { problems } = await auditWhole(audit, tenant);
      expect(problems).toMatchObject([{ entity: id, seq: 2, account: holding }]);
      expect(located(problems)).toEqual([['line_changed', id, 2]]);
    }
  });
});
