import { expect, it } from 'vitest';
import { compareContracts, formatContracts } from '../../infra/tools/explain/contracts.ts';
import type { Contract } from '../../infra/tools/explain/contracts.ts';
import { withSection } from '../../infra/tools/sections.ts';

const contract: Contract = {
  requests: 2,
  readUnits: 1,
  writeUnits: 4,
  reads: [{ item: 'get data: entity', units: 1 }],
  writes: [
    { item: 'put ledger entry of payments', units: 2 },
    { item: 'put message to llm', units: 2 },
  ],
};

it('a contract reads back as it was written', () => {
  expect(JSON.parse(formatContracts({ one: contract, none: { ...contract, reads: [] } }))).toEqual({
    one: contract,
    none: { ...contract, reads: [] },
  });
});

it('a difference is named, up or down, whatever it is', () => {
  const { reads, writes } = contract;
  const larger = { ...contract, writes: [...writes.slice(0, 1), { item: 'put message to llm', units: 4 }] };
  expect(compareContracts({ a: contract }, { a: larger })).toEqual([
    'a: - put message to llm: 2 write units, saves $1.250 per million',
    'a: + put message to llm: 4 write units, adds $2.500 per million',
  ]);
  const twice = { ...contract, reads: [...reads, ...reads], requests: 3 };
  expect(compareContracts({ a: contract }, { a: twice })).toEqual([
    'a: + get data: entity: 1 read unit, adds $0.125 per million',
    'a: 2 requests became 3',
  ]);
  expect(compareContracts({ a: contract }, { b: contract })).toEqual([
    'a: was not measured any more',
    'b: has no contract yet',
  ]);
  expect(compareContracts({ a: contract }, { a: contract })).toEqual([]);
});

it('a section goes between its marks and nowhere else', () => {
  const text = 'before\n<!-- prices:start -->\nold\n<!-- prices:end -->\nafter\n';
  expect(withSection(text, 'prices', 'new')).toBe(
    'before\n<!-- prices:start -->\n\nnew\n\n<!-- prices:end -->\nafter\n',
  );
  expect(withSection(withSection(text, 'prices', 'new'), 'prices', 'new')).toBe(
    withSection(text, 'prices', 'new'),
  );
  expect(() => withSection(text, 'speed', 'new')).toThrow();
  expect(() => withSection('no marks', 'prices', 'new')).toThrow();
});
