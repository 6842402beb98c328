/**
 * The checker: reads the whole store and the whole record of what callers saw, and names what breaks a guarantee.
 * It shares no code with the engine under test. What a command should have done it learns by running the
 * definitions over the ledger again; keys, hashes and answers it makes itself.
 */
import type { Domain } from '../../../functions/core/definition.ts';
import { checkAnswers } from './check-answers.ts';
import { checkChanges } from './check-changes.ts';
import { checkDeliveries } from './check-deliveries.ts';
import type { Delivered } from './check-deliveries.ts';
import { checkMoney } from './check-money.ts';
import { checkShares } from './check-shares.ts';
import { checkUnique } from './check-unique.ts';
import { checkMoves, checkOrigins } from './check-whole.ts';
import type { Observed } from './observed.ts';
import { readLedgers } from './read-ledgers.ts';
import type { StoreChanges, StoreImage } from './store-image.ts';

/** The guarantees of the project, as it numbers them. */
export type Guarantee =
  `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19 | 20 | 21}`;

export interface Violation {
  readonly guarantee: Guarantee;
  /** One sentence that names entity, key or message. */
  readonly what: string;
  readonly tenant?: string | undefined;
}

export type Report = (guarantee: Guarantee, what: string, tenant?: string) => void;

export interface World {
  readonly domains: readonly Domain[];
  /** All versions of the definitions that were at work, where there is more than one. */
  readonly versions?: readonly Domain[];
  readonly store: StoreImage;
  readonly seen: readonly Observed[];
  readonly changes?: StoreChanges;
  /** What receivers saw; absent where no worker has run. */
  readonly delivered?: Delivered;
}

export function check(world: World): readonly Violation[] {
  const violations: Violation[] = [];
  const report: Report = (guarantee, what, tenant) => {
    violations.push({ guarantee, what, ...(tenant !== undefined && { tenant }) });
  };
  const ledgers = readLedgers(world.domains, world.store, report, world.versions);
  checkMoves(ledgers, report, world.versions);
  checkAnswers(world.seen, ledgers, world.store, report);
  checkOrigins(ledgers, world.store, report);
  checkMoney(ledgers, world.store, report);
  checkShares(ledgers, world.store, report);
  checkUnique(ledgers, world.store, report);
  if (world.changes) checkChanges(world.domains, world.changes, world.seen, report);
  if (world.delivered) checkDeliveries(world.store, world.delivered, report);
  return violations;
}

/** For the message of a failure: the first violation, and how many there are. */
export const firstOf = (violations: readonly Violation[]): string | undefined => {
  const [first] = violations;
  if (!first) return undefined;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return `${first.guarantee}: ${first.what}${first.tenant === undefined ? '' : ` [${first.tenant}]`}${more}`;
};
