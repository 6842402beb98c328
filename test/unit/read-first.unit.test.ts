/** Which entities a command reads together with its key, before it is decided on. */
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../functions/commands/execution.ts';
import { idsOf } from '../../functions/commands/read-and-decide.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { orders, products, shipments } from '../examples/orders-of-lines.ts';

const registry = registerDomains([sellers, auctions, bids, products, shipments, orders]);
const clock = { now: () => Date.parse('2026-11-26T12:00:00.000Z') };
const random = 'AAAAAAAAAAAAAAAAAAAAAA';
const idsFirst = (request: object, id = 'ord_01JD2X5T9ZK4M8Q7W6V5B3N2HC'): readonly string[] =>
  idsOf({
    ...{ backend: { registry, clock }, id, random, seed: random },
    request: { tenant: 'acme', subject: 'alice', roles: ['shop'], ...request },
  } as unknown as Execution);
const auction = 'auc_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
const product = 'prd_01JD2X5T9ZK4M8Q7W6V5B3N2HC';

describe('a command that makes something', () => {
  it('reads nothing where its definition names nothing to read', () => {
    expect(idsFirst({ kind: 'create', domain: sellers, input: {} })).toEqual([]);
    expect(idsFirst({ kind: 'begin' })).toEqual([]);
  });

  it('reads what it takes along, what it reads, and what is read by what it makes with it', () => {
    const bid = { auction, amount: 5 };
    expect(idsFirst({ kind: 'create', domain: bids, input: bid })).toEqual([auction]);
    const line = { product, pieces: 2 };
    const sent = { ...line, order: 'ord_01JD2X5T9ZK4M8Q7W6V5B3N2HC', customer: 'alice' };
    expect(idsFirst({ kind: 'create', domain: shipments, input: sent })).toEqual([product]);
    expect(idsFirst({ kind: 'create', domain: orders, input: { lines: [line] } })).toEqual([product]);
  });

  it('reads nothing where it is refused by what is sent alone', () => {
    const authorize = { not_yours: { actorIs: 'bidder', otherwise: 'It is for others.' } };
    const domain = { ...bids, create: { ...bids.create, authorize } } as unknown as Domain;
    const input = { auction, amount: 5, bidder: 'bob' };
    expect(idsFirst({ kind: 'create', domain, input })).toEqual([]);
  });
});

describe('a command of an entity', () => {
  const id = 'bid_01JD2X5T9ZK4M8Q7W6V5B3N2HC';

  it.each(['lock', 'unlock'])('reads that alone: %s', (kind) => {
    expect(idsFirst({ kind, domain: bids, id, input: {} }, id)).toEqual([id]);
  });

  it.each(['transition', 'answer'])('reads that, and others as soon as it tells them: %s', (kind) => {
    expect(idsFirst({ kind, domain: bids, name: 'pay', id, input: {} }, id)).toEqual([id]);
    const outbid = { kind, domain: auctions, name: 'outbid', id: auction, input: { bid: id, amount: 5 } };
    expect(idsFirst(outbid, auction)).toEqual([auction]);
  });
});
