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

interface Cost {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

/** The audit of a page of entities, and of what hangs on them. */
async function costOf(domain: Domain, make: (history: History) => void): Promise<Cost> {
  const { backend } = await startBackend({ domains: [domain], clock });
  const history = new History(registerDomains([domain]), 'acme', now);
  for (let n = 0; n < entities; n += 1) make(history);
  await history.write(backend.store);
  const cost: Cost = { requests: 0, readUnits: 0, writeUnits: 0 };
  const store = observeCalls(backend.store, {
    returnConsumedCapacity: 'TOTAL',
    after: ({ operation, output }) => {
      const used = (output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] }).ConsumedCapacity;
      cost.requests += 1;
      for (const { CapacityUnits = 0 } of [used ?? []].flat())
        cost[operation.startsWith('BatchWrite') ? 'writeUnits' : 'readUnits'] += CapacityUnits;
    },
  });
  expect(await auditWhole(createAudit({ ...backend, store }), 'acme')).toMatchObject({
    checkedEntities: entities,
    problems: [],
  });
  return cost;
}

it('of entities whose accounts nobody has used', async () => {
  let n = 0;
  const cost = await costOf(members, (history) =>
    history.entity('members', { name: `Member ${(n += 1)}` }, []),
  );
  expect(cost).toEqual({ requests: 170, readUnits: 200, writeUnits: 0 });
});

it('of entities that have posted to accounts of all', async () => {
  const cost = await costOf(payments, (history) =>
    history.entity('payments', payment, [{ name: 'confirm' }]),
  );
  expect(cost).toEqual({ requests: 183, readUnits: 158, writeUnits: 96 });
});
