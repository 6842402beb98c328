/** When the sweeper sends a timer that nobody has run in time. Pure. */

/**
 * A timer is sent when it is overdue by a grace, by twice, four times, eight times that. So one that was lost, in
 * whatever way and however often, runs late by no more than it is late already, and one that only waits in a slow
 * queue, or fails each time, gets a copy at ever longer intervals. How many messages the queue holds is not asked:
 * it cannot tell which of them are missing.
 *
 *     dueAt ---- 1 ---- 2 --------- 4 ------------------- 8 ---> graces
 *                       [ sweptUntil ... now ]   its turn, if a grace of its own lies between the two
 *
 * All times in epoch milliseconds.
 * @param sweptUntil the moment up to which every timer had its turn
 */
export const isItsTurn = (dueAt: number, sweptUntil: number, now: number, graceMs: number): boolean =>
  turnsUntil(now - dueAt, graceMs) > turnsUntil(Math.min(sweptUntil, now) - dueAt, graceMs);

const turnsUntil = (lateMs: number, graceMs: number): number =>
  lateMs < graceMs ? 0 : 1 + Math.floor(Math.log2(lateMs / graceMs));
