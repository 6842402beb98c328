/**
 * How far the fault tests go. `npm test` takes one command of each shape; `npm run test:all` sets `FAULTS=all` and
 * takes every command, every topic, every pair of faults and more random histories.
 */
export const isFullScope = process.env['FAULTS'] === 'all';
