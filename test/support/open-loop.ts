/** Callers who know nothing of each other: they come at a rate, whatever became of those before (an open loop). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './faults/random.ts';

export interface OpenLoop {
  /** Callers a second on average. The gaps between them are random (a Poisson process), so that some of them meet. */
  readonly rate: number;
  readonly count: number;
  readonly random: Random;
}

/** @returns what each caller was told, in the order in which they came */
export async function openLoop<T>(
  { rate, count, random }: OpenLoop,
  call: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const began = performance.now();
  const calls: Promise<T>[] = [];
  let dueMs = 0;
  for (let index = 0; index < count; index += 1) {
    dueMs += (-Math.log(1 - random.next()) / rate) * 1_000;
    await sleep(Math.max(0, began + dueMs - performance.now()));
    calls.push(call(index));
  }
  return Promise.all(calls);
}
