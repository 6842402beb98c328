/** Orders of several lines: each at the price of its product, each with a shipment that is created along with the order. */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, count, integer, list, reference, text, title } from '../../functions/core/fields.ts';
import type { Values } from '../../functions/core/fields.ts';
import { many } from '../../functions/core/others.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';

const linesMax = 10;
const price = { price: amount(120) };
const step = { role: 'shop', from: ['on-sale'] } as const;
const stock = { minimum: 0, code: 'out_of_stock', otherwise: 'Fewer pieces are left.' };
const onSale = { not_on_sale: { path: 'status', is: 'on-sale', otherwise: 'It is sold no more.' } } as const;
const notYours = { not_yours: { actorIs: 'customer', otherwise: 'It is somebody else’s.' } } as const;

export const products = defineDomain({
  collection: 'products',
  type: 'product',
  idPrefix: 'prd',
  summary: 'Something on sale, and the pieces that are left of it.',
  states: ['on-sale', 'withdrawn'],
  attributes: { ...price, name: title('A pencil') },
  accounts: { stock: { unit: 'piece', shown: true, floor: stock }, supplied: { unit: 'piece' } },
  create: {
    summary: 'Put it on sale',
    role: 'shop',
    input: { ...price, name: title('A pencil'), pieces: integer(1, 10_000, 100) },
    set: ({ input }) => ({ name: input.name, price: input.price }),
    transfers: ({ input }) => transfer(own('supplied'), own('stock'), input.pieces),
  },
  transitions: {
    reprice: {
      ...step,
      summary: 'For orders to come',
      to: ['on-sale'],
      input: price,
      set: ({ input }) => input,
    },
    withdraw: { ...step, summary: 'Sell it no more', to: ['withdrawn'] },
  },
});

const line = { product: reference('products', 'prd'), pieces: integer(1, 100, 2) };
const lines = z.array(z.strictObject(line)).min(1).max(linesMax);
const example = [{ product: 'prd_01JD2X5T9ZK4M8Q7W6V5B3N2HC', pieces: 2 }];
const whose = { order: reference('orders', 'ord'), customer: text('alice') };
const stockOf = ({ product }: Values<typeof line>) => accountOf(products, product, 'stock');

export const shipments = defineDomain({
  collection: 'shipments',
  type: 'shipment',
  idPrefix: 'shp',
  summary: 'One line of an order: its pieces are set aside until they are sent.',
  states: ['packed', 'sent', 'cancelled'],
  attributes: { ...line, ...whose, ...price },
  accounts: { held: { unit: 'piece' } },
  create: {
    summary: 'Send more than was ordered',
    role: 'shop',
    input: { ...line, ...whose },
    reads: { product: { of: products, id: ({ input }) => input.product, rules: onSale } },
    set: ({ input, others }) => ({ ...input, price: others.product.price }),
    transfers: ({ input }) => transfer(stockOf(input), own('held'), input.pieces),
  },
  transitions: {
    send: {
      summary: 'Hand it to the post',
      role: 'shop',
      from: ['packed'],
      to: ['sent'],
      transfers: ({ entity }) => transfer(own('held'), named('sent', entity.product, 'piece'), entity.pieces),
    },
    cancel: {
      summary: 'Give it up: the pieces go back',
      authorize: notYours,
      from: ['packed'],
      to: ['cancelled'],
      transfers: ({ entity }) => transfer(own('held'), stockOf(entity), entity.pieces),
    },
  },
});

export const orders = defineDomain({
  collection: 'orders',
  type: 'order',
  idPrefix: 'ord',
  summary: 'Lines that are bought together, or not at all.',
  states: ['placed', 'cancelled'],
  attributes: {
    customer: text('alice'),
    // More than one amount holds: that of a thousand pieces.
    total: count(240),
    lines: list(reference('shipments', 'shp'), 1, linesMax, ['shp_01JD2X5T9ZK4M8Q7W6V5B3N2HC']),
  },
  create: {
    summary: 'Order',
    input: { lines: lines.meta({ examples: [example] }) },
    creates: {
      shipments: {
        of: many(shipments, linesMax),
        input: ({ id, actor, input }) => input.lines.map((each) => ({ ...each, order: id, customer: actor })),
      },
    },
    set: ({ actor, created: { shipments: sent } }) => ({
      customer: actor,
      total: sent.reduce((sum, { pieces, price: each }) => sum + pieces * each, 0),
      lines: sent.map(({ id }) => id),
    }),
  },
  transitions: {
    cancel: {
      summary: 'Give all of it up',
      authorize: notYours,
      from: ['placed'],
      to: ['cancelled'],
      links: {
        shipments: {
          of: many(shipments, linesMax),
          id: ({ entity }) => entity.lines,
          transition: 'cancel',
          refused: { code: 'line_not_there', otherwise: 'A line was sent, or given up by itself.' },
        },
      },
    },
  },
});
