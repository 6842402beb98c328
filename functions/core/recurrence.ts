/** Moments that come again: a series is told by its first moment, so that no delay on the way moves the others. */

const dayMs = 24 * 60 * 60 * 1000;

export const periods = ['day', 'week', 'month', 'year'] as const;
export type Period = (typeof periods)[number];

/**
 * The first moment of a series that is later than another; all in epoch milliseconds, by the UTC calendar. A month that
 * lacks the day of the first moment has its last day in its place, and the months after it the day again.
 */
export function momentAfter(period: Period, since: number, after: number): number {
  if (after < since) return since;
  if (period === 'day' || period === 'week') {
    const periodMs = period === 'day' ? dayMs : 7 * dayMs;
    return since + (Math.floor((after - since) / periodMs) + 1) * periodMs;
  }
  const step = period === 'month' ? 1 : 12;
  const months = monthOf(after) - monthOf(since);
  const passed = Math.floor(months / step) * step;
  const candidate = monthsLater(since, passed);
  return candidate > after ? candidate : monthsLater(since, passed + step);
}

/** Months since the year 0. */
function monthOf(moment: number): number {
  const date = new Date(moment);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** By the UTC calendar; a month that lacks the day has its last day in its place. */
export function monthsLater(since: number, months: number): number {
  const date = new Date(since);
  const day = date.getUTCDate();
  // From the first day on, so that a short month is not stepped over.
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}
