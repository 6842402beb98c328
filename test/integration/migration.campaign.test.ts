/** A hundred thousand entities are migrated while callers go on; `MIGRATED_ENTITIES` sets another number. */
import { test } from 'vitest';
import { migratedWhileCalled } from '../support/migrated-while-called.ts';

const total = Number(process.env['MIGRATED_ENTITIES'] ?? 100_000);
/** A second for each entity with four audits of it: what a slow machine took that others used as well. */
const patienceMs = 1_000 * total + 600_000;
/** A run of hours says how far it is. */
const told = (what: string): void => {
  console.log(`${new Date().toISOString()} ${what}`);
};

test(
  `${total} entities are migrated while callers go on`,
  () => migratedWhileCalled(total, told),
  patienceMs,
);
