/**
 * What a command costs: requests to DynamoDB, counted at the client, and write units, computed from the sizes of
 * the items (DynamoDB Local's own figure for transactions is wrong).
 */
import { marshall } from '@aws-sdk/util-dynamodb';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { writeUnits } from '../../functions/store/metering/capacity.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, RequestOptions, TestBackend } from '../support/backend.ts';
import { countRequests } from '../support/contention.ts';
import type { RequestCount } from '../support/contention.ts';
import { difference, dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const clock = createTestClock();
const report: string[] = [];
let api: TestBackend;
let requests: RequestCount;
beforeAll(async () => {
  api = await startBackend({
    clock,
    prepare: (client) => {
      requests = countRequests(client);
    },
  });
});
afterAll(() => {
  console.log(['command: requests (operations), write units', ...report].join('\n'));
});

interface Cost {
  readonly reply: Reply;
  readonly requests: number;
  readonly operations: readonly string[];
  readonly units: number;
}

async function measured(what: string, send: () => Promise<Reply>): Promise<Cost> {
  const before = await dump(api.backend.store);
  requests.reset();
  const reply = await send();
  const [count, operations] = [requests.total(), [...requests.byOperation.keys()]];
  const isTransaction = operations.some((operation) => operation.startsWith('TransactWrite'));
  const wire = (item: object | undefined) => item && marshall(item, { removeUndefinedValues: true });
  const units = difference(before, await dump(api.backend.store))
    .map((change) => writeUnits({ before: wire(change.before), after: wire(change.after) }, isTransaction))
    .reduce((sum, each) => sum + each, 0);
  report.push(`${what}: ${count} (${operations.join(', ')}), ${units}`);
  return { reply, requests: count, operations, units };
}

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };
const post = (path: string, body?: unknown, options: RequestOptions = {}): (() => Promise<Reply>) => {
  const key = randomUUID();
  return () => api.post(path, body, { key, ...options });
};

describe('a payment', () => {
  it('is created with 1 request, moved with 2, and stays within its price', async () => {
    const create = await measured('payments create', post('/v1/payments', payment));
    expect([create.reply.status, create.requests]).toEqual([201, 1]);
    const path = `/v1/payments/${String(create.reply.json['id'])}`;
    const confirm = await measured('payments confirm', post(`${path}/confirm`));
    expect([confirm.reply.status, confirm.requests]).toEqual([200, 2]);
    expect(confirm.units).toBeLessThanOrEqual(14);
  });

  it('is refused with at most 2 requests, none of them a transaction', async () => {
    const { json } = await api.post('/v1/payments', payment);
    const path = `/v1/payments/${String(json['id'])}/refund`;
    const refusal = await measured('a refusal by the state machine', post(path, { amount: 1 }));
    expect([refusal.reply.status, refusal.requests]).toEqual([409, 2]);
    expect(refusal.operations.some((operation) => operation.startsWith('TransactWrite'))).toBe(false);
    const missing = await measured(
      'a command on what is not there',
      post('/v1/payments/pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC/confirm'),
    );
    expect([missing.reply.status, missing.units]).toEqual([404, 0]);
    expect(missing.requests).toBeLessThanOrEqual(2);
    const malformed = await measured('a body that breaks its schema', post('/v1/payments', {}));
    expect([malformed.reply.status, malformed.requests]).toEqual([400, 0]);
  });
});

describe('a replay', () => {
  it('of a transition costs nothing in the process that answered, and 1 read in another', async () => {
    const { json } = await api.post('/v1/payments', payment);
    const path = `/v1/payments/${String(json['id'])}/confirm`;
    const confirm = post(path);
    await confirm();
    const warm = await measured('a replay in the same process', confirm);
    expect([warm.requests, warm.units, warm.reply.headers['idempotent-replayed']]).toEqual([0, 0, 'true']);
    const cold = await cooled(path, undefined);
    expect(cold.operations).toEqual(['BatchGetItem']);
    expect([cold.requests, cold.units]).toEqual([1, 0]);
  });

  /** A creation reads nothing before it commits, so the database finds the duplicate: a cancelled transaction. */
  it('of a creation costs 1 cancelled transaction in another process, and writes nothing', async () => {
    const cold = await cooled('/v1/payments', payment);
    expect(cold.operations).toEqual(['TransactWriteItems']);
    expect([cold.requests, cold.units, cold.reply.status]).toEqual([1, 0, 201]);
  });

  /** The same request again, to an execution environment that has not seen it. */
  async function cooled(path: string, body: unknown): Promise<Cost> {
    const key = randomUUID();
    let target = path;
    if (path !== '/v1/payments') {
      const { json } = await api.post('/v1/payments', payment);
      target = `/v1/payments/${String(json['id'])}/confirm`;
    }
    await api.post(target, body, { key });
    let count: RequestCount | undefined;
    const other = await startBackend({
      clock,
      tables: api.tables,
      prepare: (client) => {
        count = countRequests(client);
      },
    });
    const before = await dump(api.backend.store);
    const reply = await other.post(target, body, { key });
    expect(reply.headers['idempotent-replayed']).toBe('true');
    const units = difference(before, await dump(api.backend.store)).length;
    const operations = [...(count?.byOperation.keys() ?? [])];
    report.push(
      `a replay of ${target} in another process: ${count?.total() ?? 0} (${operations.join(', ')}), ${units}`,
    );
    return { reply, requests: count?.total() ?? 0, operations, units };
  }
});

describe.each(domains.map((domain) => ({ domain, collection: domain.collection })))(
  '$collection',
  ({ domain }) => {
    it('is created with 1 request, and one more where a rule looks at what never changes of another', async () => {
      const here = new Walk(api, clock);
      const { input: body } = await here.prepareCreation(domain);
      const create = await measured(
        `${domain.collection} create`,
        post(`/v1/${domain.collection}`, body, { tenant: here.tenant }),
      );
      // The walk's reservation names a seat, which is looked up in the plan.
      const isLookedUp = domain.collection === 'reservations' && 'seat' in body;
      expect([create.reply.status, create.requests]).toEqual([201, isLookedUp ? 2 : 1]);
    });

    const names = Object.entries(domain.transitions).filter(([, { internal }]) => internal !== true);
    it.each(names)('%s takes at most 2 requests', async (name, transition) => {
      const here = new Walk(api, clock);
      const { id } = await here.reach(domain, transition.from[0] ?? '');
      const command = await here.ready(id, name);
      const entity = await here.state(id);
      const cost = await measured(`${domain.collection} ${name}`, () => here.send(entity, name, command));
      expect(cost.reply.status, cost.reply.text).toBe(200);
      // What an entity moves may only be known once it was read; then those are read together, in one request more.
      const isKnownLate = domain.collection === 'settlements' && transition.links !== undefined;
      // What never changes of an entity lies beside it, and is read after it.
      const isReadApart = entity.fixed !== undefined;
      expect(cost.requests).toBeLessThanOrEqual(isKnownLate || isReadApart ? 3 : 2);
      const messages = (await api.get(`/v1/${domain.collection}/${id}/messages`, { tenant: here.tenant }))
        .json;
      const caused = (messages['items'] as { id: string }[]).filter((message) =>
        message.id.startsWith(`msg_${id}_${entity.version + 1}_`),
      );
      const isSmall =
        transition.transfers === undefined && transition.links === undefined && caused.length <= 1;
      if (isSmall && (domain.unique ?? []).length === 0) expect(cost.units).toBeLessThanOrEqual(8);
    });
  },
);
