/** Auctions with bids: the highest bid holds its money, and who is outbid has it back in the same transaction. */
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, count, later, moment, reference, text, title } from '../../functions/core/fields.ts';
import { maybe } from '../../functions/core/others.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';

export const sellers = defineDomain({
  collection: 'sellers',
  type: 'seller',
  idPrefix: 'sel',
  summary: 'Who sells, with an account for what it brings.',
  states: ['open', 'closed'],
  attributes: { name: text('alice') },
  accounts: {
    earned: {
      unit: 'EUR',
      shown: true,
      open: { while: ['open'], code: 'seller_closed', otherwise: 'The seller has left.' },
    },
  },
  create: { summary: 'Sell', input: {}, set: ({ actor }) => ({ name: actor }) },
  transitions: {
    close: { summary: 'Leave', from: ['open'], to: ['closed'] },
    reopen: { summary: 'Come back', from: ['closed'], to: ['open'] },
  },
});

const lot = { title: title('A press of 1911'), seller: reference('sellers', 'sel') };

export const auctions = defineDomain({
  collection: 'auctions',
  type: 'auction',
  idPrefix: 'auc',
  summary: 'Something that goes to the highest bid.',
  states: ['open', 'ended'],
  attributes: {
    ...lot,
    endsAt: moment(),
    highest: count(),
    highestBid: reference('bids', 'bid').optional(),
  },
  deadlines: { end: { while: ['open'], at: 'endsAt' } },
  create: {
    summary: 'Offer something',
    input: lot,
    set: ({ input, now }) => ({ ...input, endsAt: later(now, { days: 1 }), highest: 0 }),
    references: { seller: { of: sellers, id: ({ input }) => input.seller } },
  },
  transitions: {
    outbid: {
      summary: 'A higher bid has come',
      internal: true,
      from: ['open'],
      input: { bid: reference('bids', 'bid'), amount: amount() },
      rules: {
        bid_too_low: {
          path: 'highest',
          atMost: ({ input }) => input.amount - 1,
          otherwise: 'There is a bid as high as this.',
        },
      },
      set: ({ input }) => ({ highest: input.amount, highestBid: input.bid }),
    },
    end: { summary: 'Its time is over', internal: true, from: ['open'], to: ['ended'] },
  },
});

const purseOf = (bidder: string) => named('purse', bidder, 'EUR');

export const bids = defineDomain({
  collection: 'bids',
  type: 'bid',
  idPrefix: 'bid',
  summary: 'What somebody would pay.',
  states: ['highest', 'beaten', 'paid'],
  attributes: {
    auction: reference('auctions', 'auc'),
    bidder: text('bob'),
    amount: amount(),
  },
  accounts: { held: { unit: 'EUR', shown: true } },
  create: {
    summary: 'Bid',
    input: { auction: reference('auctions', 'auc'), amount: amount() },
    set: ({ input, actor }) => ({ ...input, bidder: actor }),
    links: {
      auction: {
        of: auctions,
        id: ({ input }) => input.auction,
        transition: 'outbid',
        input: ({ id, input }) => ({ bid: id, amount: input.amount }),
      },
      // Only the auction knows which bid this one beats.
      beaten: { of: maybe('self'), id: ({ others }) => others.auction.highestBid, transition: 'beat' },
    },
    transfers: ({ input, actor }) => transfer(purseOf(actor), own('held'), input.amount),
  },
  transitions: {
    beat: {
      summary: 'A higher bid has come: the money goes back',
      internal: true,
      from: ['highest'],
      to: ['beaten'],
      transfers: ({ entity }) => transfer(own('held'), purseOf(entity.bidder), entity.amount),
    },
    pay: {
      summary: 'The auction has ended: the seller is paid',
      from: ['highest'],
      to: ['paid'],
      reads: {
        auction: {
          of: auctions,
          id: ({ entity }) => entity.auction,
          guarded: true,
          rules: { auction_open: { path: 'status', is: 'ended', otherwise: 'The auction goes on.' } },
        },
      },
      transfers: ({ entity, others }) =>
        transfer(own('held'), accountOf(sellers, others.auction.seller, 'earned'), entity.amount),
    },
  },
});
