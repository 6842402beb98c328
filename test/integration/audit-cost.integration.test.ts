/** What an audit costs: each night it reads all there is, so a unit an entity is a unit for every entity, every night. */
import type { ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { page } from '../../functions/audit/limits.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { payments } from '../../functions/domains/payments.ts';
import { observeCalls } from '../../functions/store/metering/observed-calls.ts';
import { auditWhole, payment } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { members } from '../support/changing-domain.ts';
import { History } from '../support/history.ts';

/** One whole page of entities. */
const entities = page.entitiesMax;
/** It stands still, so that no page ends early and nothing is late. */
const now = Date.now();
const clock = { now: () => now };

/** The audit of a page of entities and of what hangs on them; an entity's share of it. */
async function costOf(
  domain: Domain,
  make: (history: History) => void,
): Promise<{ readonly requests: number; readonly readUnits: number; readonly writeUnits: number }> {
  const { backend } = await startBackend({ domains: [domain], clock });
  const history = new History(registerDomains([domain]), 'acme', now);
  for (let n = 0; n < entities; n += 1) make(history);
  await history.write(backend.store);
  const cost = { requests: 0, readUnits: 0, writeUnits: 0 };
  const store = observeCalls(backend.store, {
    returnConsumedCapacity: 'TOTAL',
    after: ({ operation, output }) => {
      const used = (output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] }).ConsumedCapacity;
      cost.requests += 1 / entities;
      for (const { CapacityUnits = 0 } of [used ?? []].flat())
        cost[operation.startsWith('BatchWrite') ? 'writeUnits' : 'readUnits'] += CapacityUnits / entities;
    },
  });
  expect(await auditWhole(createAudit({ ...backend, store }), 'acme')).toMatchObject({
    checkedEntities: entities,
    problems: [],
  });
  return cost;
}

// Which partition of a list an entity is in is chance, and what is read of each is rounded up: hence some room.

it('costs an entity whose account nobody has used less than three requests and no write', async () => {
  let n = 0;
  const make = (history: History) => history.entity('members', { name: `Member ${(n += 1)}` }, []);
  const { requests, readUnits, writeUnits } = await costOf(members, make);
  expect(requests).toBeLessThan(2.8);
  expect(readUnits).toBeLessThan(2.4);
  expect(writeUnits).toBe(0);
});

it('costs entities that have posted to the same two accounts two writes for 16', async () => {
  const make = (history: History) => history.entity('payments', payment, [{ name: 'confirm' }]);
  const { requests, readUnits, writeUnits } = await costOf(payments, make);
  expect(requests).toBeLessThan(3.1);
  expect(readUnits).toBeLessThan(1.9);
  expect(writeUnits).toBeCloseTo(2 / 16);
});
