/** Businesses of one file each, written with the vocabulary as it is in the tutorial. */
import type { Domain } from '../../functions/core/definition.ts';
import { auctions, bids, sellers } from './auctions.ts';
import { campaigns, pledges } from './crowdfunding.ts';
import { giftCards } from './gift-cards.ts';
import { allowances, leaveRequests } from './leave-requests.ts';
import { orders, products, shipments } from './orders-of-lines.ts';
import { equipment, rentals } from './rentals.ts';
import { subscriptions } from './subscriptions.ts';

export const examples: readonly Domain[] = [
  sellers,
  auctions,
  bids,
  subscriptions,
  giftCards,
  allowances,
  leaveRequests,
  products,
  shipments,
  orders,
  campaigns,
  pledges,
  equipment,
  rentals,
];
