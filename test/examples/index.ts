/** Businesses of one file each, written with the vocabulary as it is in the tutorial. */
import type { Domain } from '../../functions/core/definition.ts';
import { auctions, bids } from './auctions.ts';
import { subscriptions } from './subscriptions.ts';

export const examples: readonly Domain[] = [auctions, bids, subscriptions];
