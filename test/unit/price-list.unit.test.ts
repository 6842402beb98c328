import { expect, it } from 'vitest';
import { readContracts } from '../../infra/tools/explain/contracts.ts';
import { readCpu } from '../../infra/tools/explain/cpu-times.ts';
import { messagePrices, priceList } from '../../infra/tools/explain/price-list.ts';
import { prices } from '../../infra/cdk/prices.ts';

const list = async () => priceList(await readContracts(), (await readCpu()).milliseconds);

it('prices every request that has a contract, each with all its parts', async () => {
  const requests = Object.keys(await readContracts()).filter((name) => /^(?:GET|POST) /.test(name));
  const priced = await list();
  expect(priced.map(({ name }) => name)).toEqual(requests);
  for (const { api, function: fn, database, followUp, total } of priced) {
    expect(api).toBe(prices.apiRequest);
    expect(fn).toBeGreaterThan(prices.functionInvocation);
    expect(total).toBeCloseTo(api + fn + database + followUp, 12);
  }
});

it('counts what follows: messages each alone, and a transition that waits', async () => {
  const followUp = new Map((await list()).map((price) => [price.name, price.followUp]));
  const of = (name: string): number => followUp.get(name) ?? NaN;
  expect(of('POST /v1/payments')).toBe(0);
  const one = of('POST /v1/articles/{id}/publish');
  expect(of('POST /v1/approvals/{id}/submit (2 approvers)')).toBeCloseTo(3 * one, 12);
  expect(of('POST /v1/reservations')).toBeGreaterThan(0);
  // A wait of two weeks costs what one of ten minutes does, since the table keeps it; beside it stands one mail.
  const mail = of('POST /v1/articles/{id}/publish');
  expect(of('POST /v1/invites')).toBeCloseTo(mail + of('POST /v1/reservations'), 12);
});

it('says what an answer that moves its entity costs more: its units, and the time of its worker', async () => {
  const contracts = await readContracts();
  const { plain, answered } = messagePrices(contracts, (await readCpu()).milliseconds);
  const unitsOf = (name: string) => contracts[name] ?? { readUnits: NaN, writeUnits: NaN };
  const [one, other] = [
    unitsOf('worker: a call whose answer moves its entity'),
    unitsOf('worker: one message'),
  ];
  const reads = (one.readUnits - other.readUnits) * prices.tableReadUnit;
  const writes = (one.writeUnits - other.writeUnits) * prices.tableWriteUnit;
  expect(answered.database - plain.database).toBeCloseTo(reads + writes, 12);
  expect(answered.function).toBeGreaterThan(plain.function);
  expect(answered.queue).toBe(plain.queue);
});

it('sets commands beside other ways to do them, and queries beside none', async () => {
  for (const { name, beside } of await list()) {
    const isCommand = name.startsWith('POST') && name !== 'POST /v1/messages/{id}/redrive';
    expect(beside !== undefined, name).toBe(isCommand);
    if (beside) expect(beside.stepFunctions).toBeGreaterThan(beside.durable);
  }
});
