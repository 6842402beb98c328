/** What an execution that did not get through waits for before its next attempt. */
import { announced } from '../runtime/waits.ts';
import { backOff } from './backoff.ts';
import type { Execution } from './execution.ts';
import type { Place } from './waiting-room.ts';

/** An attempt that lost, or that met a lock. */
export interface Defeat {
  /** From 1. */
  readonly attempt: number;
  /** The entity that several commands want, or its account that is spread. */
  readonly entity: string;
  /** Whether somebody else holds the lock that it waits for. */
  readonly isBlocked: boolean;
  /** Whether it is an account of several items, so that the next attempt goes to another one. */
  readonly isSpread: boolean;
  /** Whether the database has handed over the state that the winner left. */
  readonly isHandedOver: boolean;
  /** How long the attempt took. */
  readonly tookMs: number;
}

export type Next =
  /** Decide again on what is known: the state that was handed over, or nothing of an account of several items. */
  | 'decide'
  /** Read first: what the winner left may have changed again. */
  | 'read'
  /** So many wait already that it would wait in vain. */
  | 'crowded'
  /** No attempt would end before the deadline. */
  | 'late';

/** Commands of one process that lost a race take turns at an entity. Across processes each backs off by itself. */
export class BetweenAttempts {
  readonly #execution: Execution;
  #place: Place | undefined;
  /** Whether that is at an account of several items. */
  #isSpread = false;
  /** Attempts that were lost to somebody who may be in another process. */
  #defeats = 0;
  #hasQueued = false;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** Whether it may try: who comes later lets those go first that wait already. */
  mayTry({ entity, isSpread }: Pick<Defeat, 'entity' | 'isSpread'>): boolean {
    const { backend, request } = this.#execution;
    this.#move(isSpread);
    return this.#place !== undefined || !backend.waitingRoom.isBusy(request.tenant, entity);
  }

  /** Whether others of this process were before it. */
  get hasQueued(): boolean {
    return this.#hasQueued;
  }

  async wait({ attempt, entity, isBlocked, isSpread, isHandedOver, tookMs }: Defeat): Promise<Next> {
    const { backend, request, deadline } = this.#execution;
    this.#move(isSpread);
    this.#place ??= backend.waitingRoom.enter(request.tenant, entity);
    if (!this.#place) return 'crowded';
    this.#defeats += 1;
    if (isBlocked || isSpread) {
      // The holder of the lock may need the turn to give it back. Who goes to another item stands in nobody's way.
      this.#place.passOn();
    } else {
      const turn = await this.#place.turn(deadline);
      if (turn === 'late') return 'late';
      if (turn === 'passed') {
        // It lost to those who had the turn before. From now on it can lose to other processes only.
        this.#defeats = 0;
        this.#hasQueued = true;
        return 'read';
      }
    }
    if (attempt === 1 && isHandedOver && !isBlocked) return 'decide';
    const pause = backOff(deadline, { defeats: this.#defeats, attemptMs: tookMs });
    if (!(await (isBlocked ? announced(request.tenant, pause) : pause))) return 'late';
    // Another item asks for all that a read would tell, and the one that is met tells nothing of it.
    return isSpread ? 'decide' : 'read';
  }

  /** The execution is over, and so is its turn. */
  leave(): void {
    this.#place?.leave();
    this.#place = undefined;
  }

  /** An account that has been spread meanwhile is no longer where the others take turns. */
  #move(isSpread: boolean): void {
    if (this.#isSpread !== isSpread) this.leave();
    this.#isSpread = isSpread;
  }
}
