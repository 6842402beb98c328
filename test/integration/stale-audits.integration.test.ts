/** The audit reads for half the units at first. What it is shown then may be of a moment ago, and is never told as wrong. */
import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { invites } from '../../functions/domains/invites.ts';
import { payments } from '../../functions/domains/payments.ts';
import { pointAccounts } from '../../functions/domains/point-accounts.ts';
import { putAll } from '../../functions/store/batches.ts';
import { entityKey } from '../../functions/store/keys.ts';
import type { Store, TableNames } from '../../functions/store/store.ts';
import { auditWhole, located, payment, Tampered } from '../support/audited.ts';
import type { Item } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { createTables } from '../support/dynamodb.ts';
import { dump } from '../support/table-dump.ts';

const domains = [payments, invites, pointAccounts];

/** Which of the reads that may be of a moment ago are. */
type Stale = 'all' | 'queries' | 'batches';

/** What is in the tables now, in tables of their own. */
async function copied(store: Store): Promise<TableNames> {
  const { client } = store;
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the types of two SDK builds meet
  const tables = await createTables(client as unknown as DynamoDBClient, `t-${randomUUID()}`);
  const items = [...(await dump(store))];
  for (const table of ['data', 'outbox'] as const) {
    const own = items.flatMap(([key, item]) => ((JSON.parse(key) as string[])[0] === table ? [item] : []));
    await putAll(client, tables[table], own);
  }
  return tables;
}

interface Input {
  readonly TableName?: string;
  readonly ConsistentRead?: boolean;
  readonly RequestItems?: Readonly<Record<string, { readonly ConsistentRead?: boolean }>>;
}

/** A backend whose reads of the tables are answered from those of a moment ago, where they may be. */
async function startStale(tables: TableNames, before: TableNames, stale: Stale, strong: () => void) {
  const agoOf = (name: string): string => (name === tables.data ? before.data : before.outbox);
  return startBackend({
    domains,
    tables,
    prepare: ({ middlewareStack }) => {
      middlewareStack.add(
        (next) => async (args) => {
          const input = args.input as Input;
          const [name, batch] = Object.entries(input.RequestItems ?? {})[0] ?? [];
          const asked = batch?.ConsistentRead ?? input.ConsistentRead;
          if (asked === true) strong();
          const kind = batch ? 'batches' : 'queries';
          if (asked !== false || (stale !== 'all' && stale !== kind)) return next(args);
          if (name === undefined || !batch)
            return next({ ...args, input: { ...input, TableName: agoOf(input.TableName ?? '') } });
          const answer = await next({ ...args, input: { RequestItems: { [agoOf(name)]: batch } } });
          const output = answer.output as { Responses?: Readonly<Record<string, unknown>> };
          return {
            ...answer,
            output: { ...output, Responses: { [name]: output.Responses?.[agoOf(name)] } },
          } as never;
        },
        { step: 'initialize', name: 'stale', priority: 'high' },
      );
    },
  });
}

it.each(['all', 'queries', 'batches'] as const)(
  'tells nothing wrong where %s are of a moment ago, and what is wrong',
  async (stale) => {
    const api = await startBackend({ domains });
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    const invite = { workspace: 'w', email: 'a@example.com', role: 'r' };
    const account = await tampered.create('point-accounts', { owner: 'ada' });
    const other = await tampered.create('point-accounts', { owner: 'eve' });
    await tampered.post(`/v1/point-accounts/${account}/earn`, { amount: 10, reason: 'first' });
    const first = await tampered.create('invites', invite);
    const paid = await tampered.create('payments', payment);
    const before = await copied(api.backend.store);
    // Each kind of thing that the audit compares goes on: ledgers, balances, unique values, messages, entities.
    await tampered.post(`/v1/point-accounts/${account}/earn`, { amount: 10, reason: 'second' });
    await tampered.post(`/v1/point-accounts/${account}/transfer`, { to: other, amount: 5 });
    await tampered.post(`/v1/invites/${first}/revoke`);
    await tampered.create('invites', invite);
    await tampered.post(`/v1/payments/${paid}/confirm`);
    await tampered.create('payments', payment);
    let strong = 0;
    const late = await startStale(api.tables, before, stale, () => (strong += 1));
    const audit = createAudit(late.backend);
    expect(await auditWhole(audit, tenant)).toMatchObject({ checkedEntities: 6, problems: [] });
    expect(strong).toBeGreaterThan(0);

    await tampered.change(entityKey(tenant, account), (item) => ({
      ...item,
      balances: { ...(item['balances'] as Item), balance: 16 },
    }));
    await tampered.change(entityKey(tenant, paid), (item) => ({ ...item, headHash: '0' }));
    const now = await startStale(api.tables, await copied(api.backend.store), stale, () => undefined);
    const found = located((await auditWhole(createAudit(now.backend), tenant)).problems);
    expect(found).toEqual([
      ['head_differs', paid, 2],
      ['balance_differs', account],
    ]);
  },
);
