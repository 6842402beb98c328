/**
 * An account of an entity that everybody wants, such as the places of a showing. One item takes 25 to 50 commands a second
 * before callers wait, and a floor is held by a condition, which sees one item. So each of several items gets a share of
 * the balance and keeps the floor of its own share; then their sum keeps the account's. This is escrow: O'Neil, "The Escrow
 * Transactional Method", ACM TODS 11 (4), 1986.
 *
 *     the entity's own item:  status, lock, 40 places    until commands meet each other there, it is all there is
 *     share 1:                status, lock, 40 places    then a posting goes to any item that has enough, and is
 *     share 2:                status, lock, 40 places    refused where all of them together have too little
 *
 * Pure. `commands/level-shares.ts` writes what is planned here.
 */
import { account as limits } from '../runtime/limits.ts';
import type { Decision } from './decision.ts';
import type { Domain } from './domain.ts';
import type { EntityState } from './entity.ts';
import { balanceRules } from './movements.ts';
import type { UnreadChange } from './movements.ts';
import { ownedAccountName } from './postings.ts';
import type { Floor } from './postings.ts';
import type { Rule } from './rules.ts';
import { itemBalanceMax } from './spread-accounts.ts';

/** A posting to an item of an entity's account that is not the entity's own. */
export interface ShareChange {
  readonly domain: Domain;
  readonly id: string;
  readonly key: string;
  /** Which of the items, from 1. */
  readonly place: number;
  readonly unit: string;
  readonly delta: number;
  /** Tests on the path `balance`, and on `status`, which each item has from the entity. */
  readonly rules: readonly Rule[];
}

/** A change of another entity, by the items it is written to. */
export interface Placed {
  /** What is left for the entity's own item, where something is. */
  readonly own: UnreadChange | undefined;
  readonly shares: readonly ShareChange[];
  /** The items of accounts that were chosen for it; none where it has to come to the entity's own. */
  readonly chosen: readonly ItemOfAccount[];
}

/** One of the items of an account, from 0: the entity's own. */
export interface ItemOfAccount {
  readonly account: string;
  readonly place: number;
}

/** How the accounts of an entity are spread. All of it stays true, but what the items hold. */
export interface Spreading {
  /** By key, over how many items. */
  readonly spread: Readonly<Record<string, number>>;
  /** Attributes that never change and that it does not have. */
  readonly lacks: readonly string[];
  /** By key, what each item holds, where it was read. */
  readonly shares?: Readonly<Record<string, readonly number[]>>;
}

/** An account no item of which has what a command takes, while all of them together may. */
export interface Scattered {
  readonly domain: Domain;
  readonly id: string;
  readonly key: string;
  /** What is taken. */
  readonly amount: number;
}

/** @returns `undefined` where no account of it lies in several items */
export function spreadingOf({ fixed = [] }: Domain, state: EntityState): Spreading | undefined {
  const { spread, shares, attributes, fixed: apart = [] } = state;
  // Whatever is read comes here, and few of it is spread.
  if (!spread) return undefined;
  const lacks = fixed.filter((name) => attributes[name] === undefined && !apart.includes(name));
  return { spread, lacks, ...(shares && { shares }) };
}

/** What each item of an account holds. One that is not spread lies in the entity's own. */
export const heldIn = ({ shares, balances }: EntityState, key: string): readonly number[] =>
  shares?.[key] ?? [balances[key] ?? 0];

/** The same entity, if its accounts that are spread held enough for any posting, and were far from the most they may. */
export const withAmpleShares = (state: EntityState): EntityState => ({
  ...state,
  balances: { ...state.balances, ...mapped(state.spread ?? {}, () => ample) },
  ...(state.shares && {
    shares: mapped(state.shares, (held) => held.map(() => Math.floor(ample / held.length))),
  }),
});
const ample = itemBalanceMax(2 * limits.sharesMax);

const mapped = <T, U>(byKey: Readonly<Record<string, T>>, of: (each: T) => U): Readonly<Record<string, U>> =>
  Object.fromEntries(Object.entries(byKey).map(([key, each]) => [key, of(each)]));

/** How far an item may be taken down. What an account may be overdrawn by is in the entity's own item. */
export function lowestOf(floor: Floor | undefined, place: number): number {
  if (!floor) return -Infinity;
  return place === 0 ? floor.minimum : 0;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/**
 * What each item is to hold so that all have the same room, but for one.
 * @returns `undefined` where there is little to gain: no item has more than twice its part, or there is not one for each
 */
export function levelled(
  held: readonly number[],
  items: number,
  floor: Floor | undefined,
): readonly number[] | undefined {
  const all = Array.from({ length: items }, (_, place) => held[place] ?? 0);
  // Each item of an account without a floor takes any posting, whatever it holds.
  if (!floor) return held.length < items ? all : undefined;
  const rooms = all.map((each, place) => each - lowestOf(floor, place));
  const part = Math.floor(sum(rooms) / items);
  const rest = sum(rooms) - part * items;
  // What is level is never levelled again: an item may have one more than its part.
  if (part < 1 || Math.max(...rooms) <= 2 * part + 1) return undefined;
  return all.map((_, place) => lowestOf(floor, place) + part + (place < rest ? 1 : 0));
}

/**
 * What each item is to hold so that the entity's own has what is taken, which no item has alone.
 * @returns `undefined` where all of them together have too little
 */
export function gathered(
  held: readonly number[],
  amount: number,
  floor: Floor | undefined,
): readonly number[] | undefined {
  if (!floor) return undefined;
  const left = sum(held) - floor.minimum - amount;
  if (left < 0 || held.length === 1) return undefined;
  const part = Math.floor(left / held.length);
  const first = floor.minimum + amount + left - part * (held.length - 1);
  return held.map((_, place) => (place === 0 ? first : part));
}

/**
 * Chooses the item of each posting on accounts that are spread.
 * @param spreadingIn what is known of an entity by its id; an account of which nothing is known lies in the entity's item
 * @param choose one of these items, given the account
 * @returns by entity; or the account that has to be gathered first
 */
export function placed(
  { entities, unread }: Decision,
  spreadingIn: (id: string) => Spreading | undefined,
  choose: (places: readonly number[], account: string) => number,
):
  | { readonly kind: 'placed'; readonly byEntity: ReadonlyMap<string, Placed> }
  | ({ readonly kind: 'scattered' } & Scattered) {
  for (const { before, domain, after, deltas } of entities) {
    for (const [key, delta] of Object.entries(deltas)) {
      // Its own command writes the entity's item anyway.
      const held = before?.shares?.[key];
      if (held && !placesFor(held, delta, domain.accounts?.[key]?.floor).includes(0))
        return { kind: 'scattered', domain, id: after.id, key, amount: -delta };
    }
  }
  const byEntity = new Map<string, Placed>();
  for (const change of unread) {
    const spreading = spreadingIn(change.id);
    if (!spreading) continue;
    const places: Record<string, number> = {};
    const chosen: ItemOfAccount[] = [];
    for (const [key, delta] of Object.entries(change.deltas)) {
      const items = spreading.spread[key];
      if (items === undefined) continue;
      const held = spreading.shares?.[key];
      const { floor } = change.domain.accounts?.[key] ?? {};
      const can = held ? placesFor(held, delta, floor) : [...new Array(items).keys()];
      if (can.length === 0)
        return { kind: 'scattered', domain: change.domain, id: change.id, key, amount: -delta };
      // Where the entity's item is in the transaction anyway, it is no other one that is met.
      const isMet = can.includes(0) && wantsOwnItem(change, key, spreading);
      const account = ownedAccountName(change.id, key);
      const place = isMet ? 0 : choose(can, account);
      if (!isMet) chosen.push({ account, place });
      places[key] = place;
    }
    byEntity.set(change.id, { ...byItem(change, places, spreading), chosen });
  }
  return { kind: 'placed', byEntity };
}

/** The items that can take a posting. */
function placesFor(held: readonly number[], delta: number, floor: Floor | undefined): readonly number[] {
  const all = [...held.keys()];
  return delta > 0 ? all : all.filter((place) => (held[place] ?? 0) + delta >= lowestOf(floor, place));
}

/** Whether a change asks the entity's own item for more than an item of an account can tell. */
const wantsOwnItem = ({ version, rules, deltas }: UnreadChange, key: string, { lacks }: Spreading): boolean =>
  version !== undefined ||
  Object.keys(deltas).some((other) => other !== key) ||
  rules.some((rule) => !isToldByShare(rule, [key], lacks));

/** Whether an item of these accounts tells it, or it is known for good. */
const isToldByShare = ({ test }: Rule, keys: readonly string[], lacks: readonly string[]): boolean =>
  test.op === 'fact' ||
  test.path === 'status' ||
  keys.includes(test.path) ||
  (test.op === 'missing' && lacks.includes(test.path));

function byItem(
  change: UnreadChange,
  places: Readonly<Record<string, number>>,
  { lacks }: Spreading,
): Omit<Placed, 'chosen'> {
  const { domain, id, version, deltas, units, rules } = change;
  const apart = Object.keys(deltas).filter((key) => (places[key] ?? 0) > 0);
  if (apart.length === 0) return { own: change, shares: [] };
  const ofState = rules.filter(({ test }) => test.op !== 'fact' && test.path === 'status');
  const shares = apart.map((key): ShareChange => {
    const { floor, spread } = domain.accounts?.[key] ?? {};
    const [delta, unit] = [deltas[key] ?? 0, units[key] ?? ''];
    const kept = balanceRules('balance', delta, floor && { ...floor, minimum: 0 }, spread);
    return { domain, id, key, place: places[key] ?? 0, unit, delta, rules: [...ofState, ...kept] };
  });
  const left = <T>(byKey: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
    Object.fromEntries(Object.entries(byKey).filter(([key]) => !apart.includes(key)));
  const own = {
    ...change,
    deltas: left(deltas),
    units: left(units),
    rules: rules.filter(({ test }) => test.op === 'fact' || !apart.includes(test.path)),
  };
  const isNeeded =
    version !== undefined ||
    Object.keys(own.deltas).length > 0 ||
    rules.some((rule) => !isToldByShare(rule, apart, lacks));
  return { own: isNeeded ? own : undefined, shares };
}
