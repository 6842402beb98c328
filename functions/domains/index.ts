/** The one list of domains. A definition that stands here has routes, documentation and tests. */
import type { Domain } from '../core/definition.ts';
import { approvals } from './approvals.ts';
import { articles } from './articles.ts';
import { invites } from './invites.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';
import { pointAccounts } from './point-accounts.ts';
import { reservations } from './reservations.ts';
import { settlements } from './settlements.ts';
import { showings } from './showings.ts';

export const domains: readonly Domain[] = [
  payments,
  showings,
  reservations,
  settlements,
  approvals,
  pointAccounts,
  invites,
  articles,
  orders,
];
