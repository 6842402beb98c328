import { describe, expect, it } from 'vitest';
import type { Access } from '../../infra/tools/explain/access.ts';
import type { Plan, PlannedCall } from '../../infra/tools/explain/plan.ts';
import { indexesNotRead, warningsOf } from '../../infra/tools/explain/warnings.ts';

const access = (of: Partial<Access>): Access => ({
  action: 'get',
  table: 'data',
  purpose: 'entity',
  expressions: {},
  itemsRead: 1,
  itemsReturned: 1,
  bytes: 100,
  readUnits: 1,
  writeUnits: 0,
  ...of,
});

const call = (step: number, operation: string, ...accesses: readonly Access[]): PlannedCall => ({
  step,
  operation,
  requests: 1,
  milliseconds: 1,
  readUnits: 1,
  writeUnits: 0,
  accesses,
  reportedUnits: 0,
});

const plan = (...calls: readonly PlannedCall[]): Plan => ({
  name: 'GET /v1/things',
  sent: '',
  status: 200,
  calls,
  requests: calls.length,
  itemsRead: 0,
  itemsReturned: 0,
  readUnits: 0,
  writeUnits: 0,
  places: [],
  milliseconds: 1,
  dollarsPerMillion: 0,
});

const codes = (of: Plan, sent = '', runs = [of]): string[] =>
  warningsOf({ plan: { ...of, sent }, runs }).map(({ code }) => code);
const keyed = (id: string): Partial<Access> => ({
  keys: [JSON.stringify({ pk: { S: `acme#${id}` }, sk: { S: 'entity' } })],
});

describe('a plan is warned of', () => {
  it('a scan', () => {
    expect(codes(plan(call(1, 'Scan', access({ action: 'scan' }))))).toEqual(['scan']);
  });

  it('a filter that throws away more than it returns, and not of one that does not', () => {
    const filtered = (itemsReturned: number): Plan =>
      plan(
        call(
          1,
          'Query',
          access({
            action: 'query',
            expressions: { filter: 'a = 1' },
            limit: 9,
            itemsRead: 9,
            itemsReturned,
          }),
        ),
      );
    expect(codes(filtered(4))).toEqual(['filter_discards']);
    expect(codes(filtered(5))).toEqual([]);
  });

  it('a query without a limit', () => {
    expect(codes(plan(call(1, 'Query', access({ action: 'query' }))))).toEqual(['unbounded_read']);
  });

  it('an item near the largest there can be', () => {
    expect(codes(plan(call(1, 'GetItem', access({ bytes: 310 * 1024 }))))).toEqual(['large_item']);
  });

  it('reads one after the other that the request named from the beginning', () => {
    const reads = plan(call(1, 'GetItem', access(keyed('one'))), call(2, 'GetItem', access(keyed('two'))));
    expect(codes(reads, '{"path":"/v1/things/one","body":{"to":"two"}}')).toEqual(['sequential_calls']);
    // The second key stood in the first answer.
    expect(codes(reads, '{"path":"/v1/things/one"}')).toEqual([]);
    const together = plan(call(1, 'GetItem', access(keyed('one'))), call(1, 'GetItem', access(keyed('two'))));
    expect(codes(together, 'one two')).toEqual([]);
  });

  it('a key that requests about different entities all write', () => {
    const run = (id: string): Plan =>
      plan(
        call(
          1,
          'TransactWriteItems',
          access({ action: 'put', readUnits: 0, writeUnits: 2, ...keyed(id) }),
          access({ action: 'update', readUnits: 0, writeUnits: 2, ...keyed('the same') }),
        ),
      );
    expect(codes(run('a'), '', [run('a'), run('b')])).toEqual(['hot_key']);
    expect(codes(run('a'), '', [run('a')])).toEqual([]);
  });
});

it('an index that nobody reads is named', () => {
  const reading = (index: string): Plan =>
    plan(call(1, 'Query', access({ action: 'query', index, limit: 1 })));
  expect(indexesNotRead(['byStatus', 'due', 'open', 'closed'].map(reading))).toEqual([]);
  expect(
    indexesNotRead([reading('byStatus'), reading('open'), reading('closed')]).map(({ detail }) => detail),
  ).toEqual(['no request and no job reads the index due']);
});
