import { expect, it } from 'vitest';
import { domains } from '../../functions/application.ts';
import { messagesOf, publicCommands, registerDomains } from '../../functions/core/registry.ts';
import { readContracts } from '../../infra/tools/explain/contracts.ts';
import { readCpu } from '../../infra/tools/explain/cpu-times.ts';
import { messagePrices, priceList } from '../../infra/tools/explain/price-list.ts';
import { stepsOf, totalOf } from '../../infra/tools/explain/price-parts.ts';
import { doneOf } from '../../infra/tools/explain/request-case.ts';
import { answerCases } from '../../infra/tools/explain/cases.ts';
import { prices } from '../../infra/cdk/prices.ts';

const messages = async () => messagePrices(await readContracts(), (await readCpu()).milliseconds);
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

it('counts what follows: messages with what their answers bring about, and a transition that waits', async () => {
  const followUp = new Map((await list()).map((price) => [price.name, price.followUp]));
  const of = (name: string): number => followUp.get(name) ?? NaN;
  const message = new Map((await messages()).map(({ name, total }) => [doneOf(name), total]));
  const [plain = NaN, summary = NaN, statement = NaN] = [
    message.get(undefined),
    message.get('approvals/keep-summary'),
    message.get('settlements/keep-statement'),
  ];
  expect(of('POST /v1/payments')).toBe(0);
  expect(of('POST /v1/payments/{id}/confirm')).toBeCloseTo(message.get('payments/captured') ?? NaN, 12);
  expect(of('POST /v1/settlements/{id}/confirm (of 3 payments)')).toBeCloseTo(statement, 12);
  expect(of('POST /v1/approvals/{id}/submit (2 approvers)')).toBeCloseTo(2 * plain + summary, 12);
  // A wait of two weeks costs what one of ten minutes does, since the table keeps it; beside it stands one mail.
  expect(of('POST /v1/reservations')).toBeGreaterThan(0);
  expect(of('POST /v1/invites')).toBeCloseTo(plain + of('POST /v1/reservations'), 12);
});

it('prices an answered message by its own units, with the messages of its transition', async () => {
  const contracts = await readContracts();
  const [plain, ...answered] = await messages();
  const units = (name: string): number => {
    const { readUnits, writeUnits } = contracts[name] ?? { readUnits: NaN, writeUnits: NaN };
    return readUnits * prices.tableReadUnit + writeUnits * prices.tableWriteUnit;
  };
  // The relay writes nothing: the claim marks what it has sent.
  expect(units('relay: one message')).toBe(0);
  expect(plain?.database).toBeCloseTo(units('worker: one message'), 12);
  for (const { name, database, function: fn, queue, followUp, total } of answered) {
    const done = doneOf(name);
    expect(database, done).toBeCloseTo(units(name), 12);
    expect(database, done).toBeGreaterThan(plain?.database ?? NaN);
    expect(queue, done).toBe(plain?.queue);
    expect(total, done).toBeCloseTo(fn + database + queue + followUp, 12);
  }
  // The money was taken: a receipt goes out, from which nothing follows.
  expect(answered.find(({ name }) => doneOf(name) === 'payments/captured')?.followUp).toBe(plain?.total);
});

it('tells of each price where it goes, to the last part', async () => {
  const contracts = await readContracts();
  const all = [...(await list()), ...(await messages())];
  for (const price of all)
    expect(totalOf(stepsOf(price, contracts)), price.name).toBeCloseTo(price.total, 12);
  const confirm = all.filter(({ name }) => name === 'POST /v1/payments/{id}/confirm');
  const steps = confirm.flatMap((price) => stepsOf(price, contracts));
  expect(steps.map(({ price }) => price.name)).toEqual([
    'POST /v1/payments/{id}/confirm',
    'ANSWER /v1/payments/{id}/captured',
    'worker: one message',
  ]);
  const units = (pattern: RegExp): number =>
    steps
      .flatMap(({ parts }) => parts)
      .reduce((sum, { what, units: counted = 0 }) => sum + (pattern.test(what) ? counted : 0), 0);
  expect(units(/^get /)).toBe(3);
  expect(units(/^(?!get )/)).toBe(
    steps.reduce((sum, { price: { name } }) => sum + (contracts[name]?.writeUnits ?? NaN), 0),
  );
});

it('counts a message that its own answer sends again once', () => {
  const contract = { requests: 1, readUnits: 0, writeUnits: 2, reads: [], writes: [] };
  const again = { item: 'put message to external-call, then parcels/asked', units: 2 };
  const names = ['relay: one message', 'worker: one message', 'ANSWER /v1/parcels/{id}/asked'];
  const cpu = Object.fromEntries(names.map((name) => [name, 1]));
  const contracts = Object.fromEntries(names.map((name) => [name, contract]));
  const [, asked] = messagePrices(
    { ...contracts, 'ANSWER /v1/parcels/{id}/asked': { ...contract, writes: [again] } },
    cpu,
  );
  expect(asked?.followUp).toBe(0);
});

it('has a case for every answer that moves an entity, once a public command sends its message', () => {
  const registry = registerDomains(domains);
  const wanted = registry.domains.flatMap((domain) =>
    messagesOf(domain)
      .filter(
        ({ command, message }) => message.done !== undefined && publicCommands(domain).includes(command),
      )
      .map(({ message: { done = '' } }) => `ANSWER /v1/${domain.collection}/{id}/${done}`),
  );
  const names = answerCases(registry).map(({ name }) => name);
  expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
});

it('sets commands beside other ways to do them, and queries beside none', async () => {
  for (const { name, stock, durable = NaN, stepFunctions } of await list()) {
    const isCommand = name.startsWith('POST') && name !== 'POST /v1/messages/{id}/redrive';
    expect(stock !== undefined, name).toBe(isCommand);
    if (isCommand) expect(stepFunctions).toBeGreaterThan(durable);
  }
});
