/**
 * Places of one showing in virtual time, for rates that no small machine carries: commands come at a rate, each to one of
 * many environments, whatever became of those before. A transaction holds the item that it takes from; whoever meets it is
 * cancelled, waits and reads. When and how the places are laid into several items, which of them is chosen and how long a
 * command waits are the functions of production. All else that a command writes is its own, and is never met.
 */
import { backoffWindowMs } from '../../functions/commands/backoff.ts';
import { levelled } from '../../functions/core/shares.ts';
import { request } from '../../functions/runtime/limits.ts';
import { balancePlace } from '../../functions/store/keys.ts';
import type { Random } from './faults/random.ts';
import { Agenda } from './virtual-time.ts';

export interface Places {
  /** Commands a second on average, with random gaps between them (a Poisson process). */
  readonly rate: number;
  readonly count: number;
  /** Places of the showing, all in one item at first. */
  readonly capacity: number;
  /** Over how many items they may be spread; 1: they are not. */
  readonly items: number;
  /** Execution environments; each remembers what its commands have read. */
  readonly environments: number;
  /** How long a transaction holds its items, milliseconds. */
  readonly holdMs: number;
  readonly random: Random;
}

export interface Taken {
  /** How long each command took that got a place, in milliseconds, the shortest first. */
  readonly tookMs: readonly number[];
  /** The same of those that were told that none is left. */
  readonly refusedMs: readonly number[];
  /** Commands whose time was over first. */
  readonly contended: number;
  readonly transactions: number;
  /** What the items hold in the end. */
  readonly held: readonly number[];
}

/** A read by keys, and a transaction that is cancelled at once. */
const readMs = 3;
const cancelledMs = 5;
const floor = { minimum: 0, code: 'sold_out', otherwise: '' };

interface Command {
  readonly name: number;
  readonly environment: number;
  readonly beganAt: number;
  meetings: number;
  defeats: number;
  /** What the items held when it read them. */
  known: readonly number[] | undefined;
}

export function simulatePlaces(crowd: Places): Taken {
  const { rate, count, capacity, items, environments, holdMs, random } = crowd;
  const tookMs: number[] = [];
  const refusedMs: number[] = [];
  let held: number[] = [capacity];
  const heldUntil = new Map<number, number>();
  /** What an environment remembers, see `functions/commands/spread-memory.ts`. */
  const remembered = new Map<number, { readonly items: number; readonly isShort: boolean }>();
  let [contended, transactions, arrivesAt] = [0, 0, 0];
  const agenda = new Agenda();
  const isFree = (place: number, now: number): boolean => (heldUntil.get(place) ?? 0) <= now;

  const chosen = ({ name, environment, meetings, known }: Command): number => {
    const entry = { id: `rsv_${String(name)}`, seq: 1 };
    if (!known) return balancePlace(remembered.get(environment)?.items ?? 1, entry, meetings);
    const can = [...known.keys()].filter((place) => (known[place] ?? 0) > 0);
    return can[balancePlace(can.length, entry, meetings)] ?? 0;
  };
  const read = (command: Command): void => {
    command.known = [...held];
    const isShort = 2 * held.filter((each) => each > 0).length < held.length;
    if (held.length > 1) remembered.set(command.environment, { items: held.length, isShort });
  };
  /** It read all items, of which none has a place, and looks at all of one moment. */
  const isRefused = (command: Command, now: number): boolean => {
    if (command.known?.some((each) => each > 0) !== false) return false;
    if ([...held.keys()].some((place) => !isFree(place, now))) return false;
    refusedMs.push(now + readMs - command.beganAt);
    return true;
  };
  const level = (now: number): boolean => {
    const wanted = items > 1 ? levelled(held, items, floor) : undefined;
    if (!wanted) return false;
    transactions += 1;
    if (wanted.some((_, place) => !isFree(place, now))) return true;
    held = [...wanted];
    for (const place of held.keys()) heldUntil.set(place, now + holdMs);
    return true;
  };
  const waits = (command: Command, toldAt: number): void => {
    command.defeats += 1;
    const endsAt = command.beganAt + request.deadlineMs - request.deadlineReserveMs;
    const windowMs = backoffWindowMs({
      defeats: command.defeats,
      attemptMs: cancelledMs,
      remainingMs: endsAt - toldAt,
    });
    if (windowMs === undefined) {
      contended += 1;
      return;
    }
    // Who goes to another item reads nothing.
    const isBlind = (command.known?.length ?? remembered.get(command.environment)?.items ?? 1) > 1;
    agenda.add(toldAt + random.next() * windowMs + (isBlind ? 0 : readMs), (at) => {
      if (!isBlind) read(command);
      const hasTried = command.meetings > 1 && command.known !== undefined && level(at);
      if (!hasTried) attempt(command, at);
      else
        agenda.add(at + holdMs + readMs, (later) => {
          read(command);
          attempt(command, later);
        });
    });
  };
  const attempt = (command: Command, now: number): void => {
    if (isRefused(command, now)) return;
    if (!command.known && remembered.get(command.environment)?.isShort === true) {
      agenda.add(now + readMs, (at) => {
        read(command);
        attempt(command, at);
      });
      return;
    }
    if (command.known?.every((each) => each <= 0) === true) {
      // Others are at an item, so that it cannot tell of one moment.
      waits(command, now + cancelledMs);
      return;
    }
    transactions += 1;
    const place = chosen(command);
    if (!isFree(place, now)) {
      command.meetings += 1;
      waits(command, now + cancelledMs);
      return;
    }
    if ((held[place] ?? 0) > 0) {
      held[place] = (held[place] ?? 0) - 1;
      heldUntil.set(place, now + holdMs);
      tookMs.push(now + holdMs - command.beganAt);
      return;
    }
    // A condition that fails holds its item, too.
    heldUntil.set(place, now + holdMs);
    if (held.length === 1) {
      // The item that refuses is all there is.
      refusedMs.push(now + cancelledMs - command.beganAt);
    } else {
      agenda.add(now + cancelledMs + readMs, (at) => {
        read(command);
        if (command.defeats === 0 && !isRefused(command, at)) attempt({ ...command, defeats: 1 }, at);
        else if (command.defeats > 0) waits(command, at);
      });
    }
  };
  for (let name = 0; name < count; name += 1) {
    arrivesAt += (-Math.log(1 - random.next()) / rate) * 1_000;
    const beganAt = arrivesAt;
    const environment = Math.floor(random.next() * environments);
    agenda.add(beganAt, (at) => {
      attempt({ name, environment, beganAt, meetings: 0, defeats: 0, known: undefined }, at);
    });
  }
  agenda.run();
  const sorted = (times: readonly number[]): number[] => times.toSorted((one, other) => one - other);
  return { tookMs: sorted(tookMs), refusedMs: sorted(refusedMs), contended, transactions, held };
}
