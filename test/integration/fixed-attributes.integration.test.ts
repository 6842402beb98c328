/** Attributes that never change, in an item of their own: here the seats of showings. */
import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { domains } from '../../functions/domains/index.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { wholeItem } from '../../functions/store/entities/whole.ts';
import type { EntityItem } from '../../functions/store/entities/items.ts';
import { entityKey, fixedKey } from '../../functions/store/keys.ts';
import { readContracts } from '../../infra/tools/explain/contracts.ts';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { auditWhole, located, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { conflictAt } from '../support/command-processes.ts';
import { lacking } from '../support/changing-domain.ts';
import { problemsOf } from '../support/store-invariants.ts';
import { intercept } from '../support/sdk-faults.ts';
import { dump } from '../support/table-dump.ts';

const seats = Array.from({ length: 40 }, (_, n) => `S${n}`);
const plan = { title: 'Evening show', capacity: seats.length, seats };
/** As it was before anything was fixed: seats lie in the item of the showing. */
const older: readonly Domain[] = domains.map((domain) => lacking(domain, 'fixed'));

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

/** Another process, and the names of the requests that it makes. */
async function watched(before: (name: string) => void = () => undefined) {
  const made: string[] = [];
  const prepare = (client: TestBackend['backend']['store']['client']): void => {
    intercept(client, {
      before: ({ command }) => {
        const name = command.replace(/(?:Item|Items)?Command$/, '');
        made.push(name);
        before(name);
      },
    });
  };
  return { of: await startBackend({ tables: api.tables, prepare }), made };
}
const openedBy = async (of: TestBackend) => idOf(await of.post('/v1/showings', plan));
const hold = (showingId: string, more: object = {}) =>
  api.post('/v1/reservations', { showingId, customer: 'ada', ...more });

describe.each(['apart', 'in the item of an older showing'])('seats that lie %s', (where) => {
  const open = async () => {
    const before = where === 'apart' ? api : await startBackend({ domains: older, tables: api.tables });
    return openedBy(before);
  };

  it('are shown wherever the showing is', async () => {
    const id = await open();
    const shown = { id, version: 1, seats, remaining: seats.length };
    expect((await api.get(`/v1/showings/${id}`)).json).toMatchObject(shown);
    const listed = itemsOf(await api.get('/v1/showings?status=open&limit=100'));
    expect(listed.find((each) => each['id'] === id)).toMatchObject(shown);
    const closed = await api.post(`/v1/showings/${id}/close`);
    expect(closed.json).toMatchObject({ ...shown, version: 2, status: 'closed' });
    expect((await api.get(`/v1/showings/${id}`)).json).toEqual(closed.json);
    expect(itemsOf(await api.get(`/v1/showings/${id}/ledger`))).toMatchObject([{ data: plan }, { data: {} }]);
  });

  it('are taken once each, and no other is there', async () => {
    const id = await open();
    expect(verdictOf(await hold(id, { seat: 'S7' }))).toEqual([201, undefined]);
    expect(verdictOf(await hold(id, { seat: 'S7' }))).toEqual([409, 'already_exists']);
    expect(verdictOf(await hold(id, { seat: 'X1' }))).toEqual([422, 'unprocessable']);
    expect(verdictOf(await hold(id))).toEqual([422, 'unprocessable']);
    expect((await api.get(`/v1/showings/${id}`)).json).toMatchObject({ seats, remaining: seats.length - 1 });
    await api.post(`/v1/showings/${id}/close`);
    // Of all that stands in its way a caller hears the first.
    expect(verdictOf(await hold(id, { seat: 'X1' }))).toEqual([409, 'showing_closed']);
  });

  it('are not read again by a reservation that had to wait', async () => {
    const showingId = await open();
    let writes = 0;
    const { of: loser, made } = await watched((name) => {
      if (name === 'TransactWrite' && (writes += 1) === 1) throw conflictAt(2);
    });
    const asked = (seat: string) => loser.post('/v1/reservations', { showingId, customer: 'ada', seat });
    expect(verdictOf(await asked('S8'))).toEqual([201, undefined]);
    // The showing, and what lies apart from it.
    const again = where === 'apart' ? ['BatchGet', 'BatchGet'] : ['BatchGet'];
    expect(made).toEqual(['BatchGet', 'TransactWrite', ...again, 'TransactWrite']);
    made.splice(0);
    expect(verdictOf(await asked('X1'))).toEqual([422, 'unprocessable']);
  });
});

describe('a showing', () => {
  it('takes reservations of the version before, which fixes nothing', async () => {
    const before = await startBackend({ domains: older, tables: api.tables });
    const showingId = await openedBy(before);
    const asked = (seat: string) => before.post('/v1/reservations', { showingId, customer: 'ada', seat });
    expect([verdictOf(await asked('S7')), verdictOf(await asked('X1'))]).toEqual([
      [201, undefined],
      [422, 'unprocessable'],
    ]);
  });

  it('keeps its seats in an item of their own', async () => {
    const id = await openedBy(api);
    const { client, tables } = api.backend.store;
    const Keys = [entityKey('acme', id), fixedKey('acme', id)].map((key) => ({ ...key }));
    const { Responses = {} } = await client.send(
      new BatchGetCommand({ RequestItems: { [tables.data]: { Keys } } }),
    );
    const [entity, fixed] = (Responses[tables.data] ?? []).toSorted((a) => (a['sk'] === 'entity' ? -1 : 1));
    expect(entity).toMatchObject({
      attributes: { title: plan.title, capacity: plan.capacity },
      fixed: ['seats'],
    });
    expect(entity?.['attributes']).not.toHaveProperty('seats');
    expect(fixed?.['attributes']).toEqual({ seats });
    // For those who look at items.
    const item = entity as unknown as EntityItem;
    expect(await wholeItem(api.backend.store, 'acme', item)).toEqual({ ...entity, attributes: plan });
    const { fixed: _, ...bare } = item;
    expect(await wholeItem(api.backend.store, 'acme', bare)).toBe(bare);
  });

  it('without seats has none, and takes reservations without a seat alone', async () => {
    const id = idOf(await api.post('/v1/showings', { title: 'Standing', capacity: 3 }));
    const { of: another, made } = await watched();
    const standing = { showingId: id, customer: 'ada' };
    expect(verdictOf(await another.post('/v1/reservations', standing))).toEqual([201, undefined]);
    expect(made).toEqual(['TransactWrite']);
    expect(verdictOf(await hold(id, { seat: 'S1' }))).toEqual([422, 'unprocessable']);
    expect((await api.get(`/v1/showings/${id}`)).json).not.toHaveProperty('seats');
  });

  it('that is not there is an unknown reference, whatever the seat', async () => {
    const id = 'shw_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    expect(verdictOf(await hold(id, { seat: 'S1' }))).toEqual([422, 'unprocessable']);
  });

  it('costs a reservation the same, whatever the size of its plan', async () => {
    const contracts = await readContracts();
    const of = (size: number) => contracts[`POST /v1/reservations (with a seat of ${size})`];
    expect(of(50)).toBeDefined();
    expect(of(500)).toEqual(of(50));
  });
});

describe('the audit', () => {
  it('finds the store whole, and sees fixed attributes that were changed, are gone or are named no more', async () => {
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    const id = await tampered.create('showings', plan);
    await tampered.create('reservations', { showingId: id, customer: 'ada', seat: 'S1' });
    const found = async () => located((await auditWhole(createAudit(api.backend), tenant)).problems);
    expect(problemsOf(api.backend.registry, await dump(api.backend.store))).toEqual([]);
    expect(await found()).toEqual([]);
    const key = fixedKey(tenant, id);
    const item = await tampered.read(key);
    await tampered.write({ ...item, attributes: { seats: [...seats, 'S40'] } });
    expect(await found()).toEqual([['entity_changed', id]]);
    await tampered.remove(key);
    expect(await found()).toEqual([['entity_changed', id]]);
    await tampered.write(item);
    expect(await found()).toEqual([]);
    const { client, tables } = api.backend.store;
    await client.send(
      new UpdateCommand({
        TableName: tables.data,
        Key: { ...entityKey(tenant, id) },
        UpdateExpression: 'REMOVE #fixed',
        ExpressionAttributeNames: { '#fixed': 'fixed' },
      }),
    );
    expect(await found()).toEqual([['entity_changed', id]]);
  });
});
