/**
 * Credits to one account in virtual time, for rates that no small machine carries: commands come at a rate, whatever
 * became of those before. Each reads, and its transaction then holds the item of the account that it adds to; whoever
 * meets it is cancelled, and waits and chooses its next item by the functions of production. All else that a command
 * writes is its own, and is never met.
 */
import { backoffWindowMs } from '../../functions/commands/backoff.ts';
import { request } from '../../functions/runtime/limits.ts';
import { balancePlace } from '../../functions/store/keys.ts';
import type { Random } from './faults/random.ts';
import { Agenda } from './virtual-time.ts';

export interface Credits {
  /** Commands a second on average, with random gaps between them (a Poisson process). */
  readonly rate: number;
  readonly count: number;
  /** Over how many items the account is spread. */
  readonly items: number;
  /** How long a transaction holds its item, milliseconds. */
  readonly holdMs: number;
  readonly random: Random;
}

export interface Credited {
  /** How long each command took that was answered, in milliseconds, the shortest first. */
  readonly tookMs: readonly number[];
  /** Commands whose time was over first. */
  readonly contended: number;
  readonly transactions: number;
}

/** A read by key, and a transaction that is cancelled at once. */
const readMs = 3;
const cancelledMs = 5;

export function simulateCredits({ rate, count, items, holdMs, random }: Credits): Credited {
  const tookMs: number[] = [];
  const heldUntil = new Map<number, number>();
  let [contended, transactions, arrivesAt] = [0, 0, 0];
  const agenda = new Agenda();
  const attempt = (name: number, beganAt: number, number: number, now: number): void => {
    transactions += 1;
    const place = balancePlace(items, { id: `pay_${String(name)}`, seq: 2 }, number - 1);
    if ((heldUntil.get(place) ?? 0) <= now) {
      heldUntil.set(place, now + holdMs);
      tookMs.push(now + holdMs - beganAt);
      return;
    }
    const toldAt = now + cancelledMs;
    const endsAt = beganAt + request.deadlineMs - request.deadlineReserveMs;
    const windowMs = backoffWindowMs({
      defeats: number,
      attemptMs: cancelledMs,
      remainingMs: endsAt - toldAt,
    });
    if (windowMs === undefined) {
      contended += 1;
      return;
    }
    agenda.add(toldAt + random.next() * windowMs + readMs, (at) => {
      attempt(name, beganAt, number + 1, at);
    });
  };
  for (let name = 0; name < count; name += 1) {
    arrivesAt += (-Math.log(1 - random.next()) / rate) * 1_000;
    const beganAt = arrivesAt;
    agenda.add(beganAt + readMs, (at) => {
      attempt(name, beganAt, 1, at);
    });
  }
  agenda.run();
  return { tookMs: tookMs.toSorted((one, other) => one - other), contended, transactions };
}
