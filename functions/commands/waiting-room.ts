/** How many commands of one process may wait for others at once. */
import { waiters as limits } from '../runtime/limits.ts';

export interface WaitingRoom {
  /** @returns what to call when the wait is over; `undefined` where the room is full */
  enter(tenant: string, entity: string): (() => void) | undefined;
}

export function createWaitingRoom({
  perEntityMax,
  perTenantMax,
}: Readonly<Record<keyof typeof limits, number>> = limits): WaitingRoom {
  const waiting = new Map<string, number>();
  const add = (name: string, count: number): void => {
    const sum = (waiting.get(name) ?? 0) + count;
    if (sum === 0) waiting.delete(name);
    else waiting.set(name, sum);
  };
  return {
    enter: (tenant, entity) => {
      const [one, all] = [JSON.stringify([tenant, entity]), JSON.stringify([tenant])];
      if ((waiting.get(one) ?? 0) >= perEntityMax || (waiting.get(all) ?? 0) >= perTenantMax)
        return undefined;
      add(one, 1);
      add(all, 1);
      return () => {
        add(one, -1);
        add(all, -1);
      };
    },
  };
}
