/** The audit's sums of postings by account: those of many entities in one row, and none of them twice. */
import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, expect, it } from 'vitest';
import type { AuditPage, AuditProblem } from '../../functions/api/audit.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import { page, segmentEntries } from '../../functions/audit/limits.ts';
import { payments } from '../../functions/domains/payments.ts';
import { entityKey } from '../../functions/store/keys.ts';
import { auditWhole, payment, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { members } from '../support/changing-domain.ts';
import { History } from '../support/history.ts';

/** It stands still, so that no page ends early and nothing is late. */
const now = Date.now();
let api: TestBackend;

beforeAll(async () => {
  api = await startBackend({ domains: [payments, members], clock: { now: () => now } });
});

const accountsOf = (problems: readonly AuditProblem[]): unknown[] =>
  problems.map(({ problem, account }) => [problem.split(':')[0], account]);

it('find a wrong balance to which parts and the segments of a long ledger have posted', async () => {
  const tampered = new Tampered(api);
  const history = new History(api.backend.registry, tampered.tenant, now);
  const pay = { name: 'pay', input: { amount: 10 } };
  const all = Array.from({ length: 2 * page.entitiesPerPart }, (_, n) => {
    const paid = n === page.entitiesPerPart + 3 ? 2 * segmentEntries + 20 : 1;
    return history.entity(
      'members',
      { name: `Member ${n}` },
      Array.from({ length: paid }, () => pay),
    ).id;
  });
  await history.write(api.backend.store);
  const audit = createAudit(api.backend);
  const whole = await auditWhole(audit, tampered.tenant);
  expect([whole.checkedEntities, whole.problems]).toEqual([all.length, []]);

  const bank = 'bank:club:EUR';
  const long = all[page.entitiesPerPart + 3] ?? '';
  const item = await tampered.balance(bank);
  await tampered.write({ ...item, balance: Number(item['balance']) + 1 });
  await tampered.change(entityKey(tampered.tenant, long), (entity) => ({ ...entity, balances: { dues: 1 } }));
  const found = accountsOf((await auditWhole(audit, tampered.tenant)).problems);
  expect(found.sort()).toEqual([
    ['balance_differs', bank],
    ['balance_differs', `${long}:dues`],
  ]);
});

it('tell nothing of an account where a repeated call is shown other entities', async () => {
  const tenant = randomUUID();
  const history = new History(api.backend.registry, tenant, now);
  const ids = Array.from(
    { length: 3 * page.entitiesMax },
    () => history.entity('payments', payment, [{ name: 'confirm' }]).id,
  );
  await history.write(api.backend.store);
  const { client, tables } = api.backend.store;
  const audit = createAudit(api.backend);
  // In the second page of each pass, newest first.
  const id = ids.toSorted().at(-page.entitiesMax - 5) ?? '';
  const list = async (listPk: string): Promise<string> => {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: tables.data,
        Key: { ...entityKey(tenant, id) },
        UpdateExpression: 'SET listPk = :list',
        ExpressionAttributeValues: { ':list': listPk },
        ReturnValues: 'UPDATED_OLD',
      }),
    );
    return String(Attributes?.['listPk']);
  };
  let cursor: string | undefined;
  let pages = 0;
  do {
    const listPk = await list('nowhere');
    await audit(tenant, cursor);
    await list(listPk);
    const shown: AuditPage = await audit(tenant, cursor);
    expect(shown.problems).toEqual([]);
    cursor = shown.nextCursor;
    pages += 1;
  } while (cursor !== undefined);
  expect(pages).toBeGreaterThan(3);
});
