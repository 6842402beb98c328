/** When the sweeper sends again what nobody has worked off. Pure. */

/**
 * A message, or a timer, is sent again when it is late by a grace, by twice, four times, eight times that. So one that
 * was lost, in whatever way and however often, runs late by no more than it is late already, and one that only waits in
 * a slow queue, or fails each time, gets a copy at ever longer intervals: their number grows with the logarithm of the
 * time it waits. How many messages the queue holds is not asked: it cannot tell which of them are missing.
 *
 *     since ---- 1 ---- 2 --------- 4 ------------------- 8 ---> graces
 *                       [ last ... now ]   its turn, if a grace of its own lies between the two
 *
 * All times in epoch milliseconds.
 * @param since from when its lateness counts: a timer's due time, the beginning of a message's run
 * @param last when it was last sent; or the moment up to which every one had its turn
 */
export const isItsTurn = (since: number, last: number, now: number, graceMs: number): boolean =>
  turnsUntil(now - since, graceMs) > turnsUntil(Math.min(last, now) - since, graceMs);

const turnsUntil = (lateMs: number, graceMs: number): number =>
  lateMs < graceMs ? 0 : 1 + Math.floor(Math.log2(lateMs / graceMs));
