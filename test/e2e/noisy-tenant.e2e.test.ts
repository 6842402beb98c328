/** A tenant that makes noise does not keep another one from its answers (G12). What is told is counted, not timed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { during, noises, quietCallers, quietTenant } from '../support/noise.ts';
import { startBackendProcess } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const payments = 20;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackendProcess();
});
afterAll(() => backend.stop());

test.each(noises)('$name: another tenant creates and confirms, and hears of no trouble', async (noise) => {
  const [heard, told] = await during(backend.url, noise, () => quietTenant(backend.url, payments));
  const answered = (status: number): number => heard.filter((each) => each.status === status).length;
  expect([answered(201), answered(200)]).toEqual([payments, payments]);
  // A machine that stands still for a whole deadline, as a busy one may once, fails what is under way then, and no more.
  expect(heard.length - 2 * payments).toBeLessThanOrEqual(quietCallers);
  // It was made: somebody was answered, if only that it is too much.
  expect(Object.keys(told)).not.toEqual([]);
});
