/**
 * Where commands of one process wait for others. All of them at once would only lose to each other, so they take turns
 * at an entity. It matters where a process has many requests (`npm start`); an execution environment on Lambda has one.
 */
import type { Deadline } from '../runtime/clock.ts';
import { waiters as limits } from '../runtime/limits.ts';
import { Turns } from './turns.ts';
import type { Turn } from './turns.ts';

export interface WaitingRoom {
  /** @returns `undefined` where the room is full */
  enter(tenant: string, entity: string): Place | undefined;
  /** Whether somebody has the turn at an entity. */
  isBusy(tenant: string, entity: string): boolean;
}

export interface Place {
  /** Waits for its turn; who has it keeps it. */
  turn(deadline: Deadline): Promise<Turn>;
  /** Lets the next one have the turn, and may ask for another. */
  passOn(): void;
  /** The wait is over, and so is the turn. */
  leave(): void;
}

interface Crowd {
  readonly turns: Turns;
  /** Also of those who do not ask for a turn. */
  places: number;
}

/** @param now milliseconds of a clock that only goes on */
export function createWaitingRoom(
  { perEntityMax, perTenantMax }: Readonly<Record<keyof typeof limits, number>> = limits,
  now = (): number => performance.now(),
): WaitingRoom {
  const crowds = new Map<string, Crowd>();
  const tenants = new Map<string, number>();
  const placesOf = (tenant: string): number => tenants.get(tenant) ?? 0;
  const nameOf = (tenant: string, entity: string): string => JSON.stringify([tenant, entity]);
  return {
    isBusy: (tenant, entity) => crowds.get(nameOf(tenant, entity))?.turns.isTaken === true,
    enter: (tenant, entity) => {
      const name = nameOf(tenant, entity);
      const crowd = crowds.get(name) ?? { turns: new Turns(now), places: 0 };
      if (crowd.places >= perEntityMax || placesOf(tenant) >= perTenantMax) return undefined;
      crowds.set(name, crowd);
      crowd.places += 1;
      tenants.set(tenant, placesOf(tenant) + 1);
      const place = placeAt(crowd.turns);
      return {
        ...place,
        leave: () => {
          place.passOn();
          crowd.places -= 1;
          if (crowd.places === 0) crowds.delete(name);
          tenants.set(tenant, placesOf(tenant) - 1);
          if (placesOf(tenant) === 0) tenants.delete(tenant);
        },
      };
    },
  };
}

function placeAt(turns: Turns): Omit<Place, 'leave'> {
  let hasTurn = false;
  return {
    turn: async (deadline) => {
      if (hasTurn) return 'own';
      const turn = await turns.take(deadline);
      hasTurn = turn !== 'late';
      return turn;
    },
    passOn: () => {
      if (hasTurn) turns.pass();
      hasTurn = false;
    },
  };
}
