/** G15: what is done to a ledger behind the API is located, to the entry, by the audit and by the checker here. */
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { vi } from 'vitest';
import type * as Audit from '../../functions/audit/audit.ts';
import type * as Ledger from '../../functions/core/ledger.ts';
import type { Violation } from '../support/faults/checker.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { startLab } from '../support/faults/lab.ts';
import type { Lab } from '../support/faults/lab.ts';

type Tamper = (lab: Lab, pk: string) => Promise<unknown>;

const sk = (seq: number): string => `entry#${String(seq).padStart(10, '0')}`;
const table = ({ clean }: Lab): string => clean.tables.data;
const client = ({ clean }: Lab) => clean.backend.store.client;
const read = async (lab: Lab, pk: string, seq: number): Promise<Record<string, unknown>> =>
  (await client(lab).send(new GetCommand({ TableName: table(lab), Key: { pk, sk: sk(seq) } }))).Item ?? {};
const put = (lab: Lab, item: Record<string, unknown>): Promise<unknown> =>
  client(lab).send(new PutCommand({ TableName: table(lab), Item: item }));

/** Every way to touch the second of four entries. */
const tampering: Readonly<Record<string, Tamper>> = {
  changed: (lab, pk) =>
    client(lab).send(
      new UpdateCommand({
        TableName: table(lab),
        Key: { pk, sk: sk(2) },
        UpdateExpression: 'SET actor = :other',
        ExpressionAttributeValues: { ':other': 'mallory' },
      }),
    ),
  removed: (lab, pk) =>
    client(lab).send(new DeleteCommand({ TableName: table(lab), Key: { pk, sk: sk(2) } })),
  inserted: async (lab, pk) => put(lab, { ...(await read(lab, pk, 3)), sk: `${sk(2)}x` }),
  reordered: async (lab, pk) => {
    const [second, third] = [await read(lab, pk, 2), await read(lab, pk, 3)];
    await put(lab, { ...third, sk: sk(2) });
    await put(lab, { ...second, sk: sk(3) });
  },
};

/** What stays unnoticed. */
async function unnoticed(
  tamper: Tamper,
  name: string,
  createAudit: typeof Audit.createAudit,
): Promise<Violation[]> {
  const lab = await startLab();
  const tenant = 'acme';
  const post = (path: string, body?: unknown) => lab.clean.post(path, body, { tenant });
  try {
    const { headers, json } = await post('/v1/point-accounts', { owner: 'ada' });
    const path = headers['location'] ?? '';
    for (const amount of [1, 2, 3]) await post(`${path}/earn`, { amount, reason: 'welcome' });
    const audit = createAudit(lab.clean.backend);
    const before = await audit(tenant, undefined);
    if (!before.ok)
      return [
        { guarantee: 'G15', what: `an untouched ledger has problems: ${JSON.stringify(before.problems)}` },
      ];
    await tamper(lab, `${tenant}#${String(json['id'])}`);
    const { problems } = await audit(tenant, undefined);
    // An item that has no place of its own is named instead.
    const located = problems.some(
      ({ entity, seq = 0, problem }) =>
        entity === json['id'] && ((seq >= 1 && seq <= 3) || problem.includes(`${sk(2)}x`)),
    );
    const seen = (await lab.violations()).some(({ what }) => what.includes(String(json['id'])));
    return [
      ...(located
        ? []
        : [{ guarantee: 'G15' as const, what: `${name}: the audit says ${JSON.stringify(problems)}` }]),
      ...(seen ? [] : [{ guarantee: 'G15' as const, what: `${name}: the checker says nothing` }]),
    ];
  } finally {
    await lab.stop();
  }
}

guarantee(
  'G15 tampering shows',
  async (broken?: () => void) => {
    vi.resetModules();
    broken?.();
    const { createAudit } = await import('../../functions/audit/audit.ts');
    vi.doUnmock('../../functions/core/ledger.ts');
    const ends: Violation[] = [];
    for (const [name, tamper] of Object.entries(tampering))
      ends.push(...(await unnoticed(tamper, name, createAudit)));
    return ends;
  },
  {
    'the audit takes each hash at its word': () => {
      vi.doMock('../../functions/core/ledger.ts', async (original) => {
        const real = await original<typeof Ledger>();
        return { ...real, entryHash: (...[, , entry]: [string, string, Ledger.LedgerEntry]) => entry.hash };
      });
    },
  },
);
