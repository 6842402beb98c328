/** A story of the example `test/examples/leave-requests.ts`: roles, four eyes, and an allowance that many draw on. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { allowances, leaveRequests } from '../examples/leave-requests.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';

it('wants another than the employee to agree, for a long leave two, and gives no day twice', async () => {
  const api = await startBackend({ domains: [allowances, leaveRequests], client });
  const granted = { owner: 'alice', days: 30 };
  const none = { roles: 'employee' };
  expect(verdictOf(await api.post('/v1/leave-allowances', granted, none))).toEqual([403, 'role_missing']);
  const allowance = idOf(await api.post('/v1/leave-allowances', granted, { roles: 'hr' }));
  const left = async () => (await api.get(`/v1/leave-allowances/${allowance}`)).json['days'];
  const ask = (days: number, subject = 'alice') =>
    api.post('/v1/leave-requests', { allowance, days, reason: 'A wedding.' }, { subject, ...none });
  const does = async (id: string, name: string, subject: string, roles = 'manager') =>
    verdictOf(await api.post(`/v1/leave-requests/${id}/${name}`, undefined, { subject, roles }));
  expect(verdictOf(await ask(3, 'bob'))).toEqual([409, 'not_your_allowance']);

  const short = idOf(await ask(3));
  expect(await does(short, 'endorse', 'bob', 'employee')).toEqual([403, 'role_missing']);
  expect(await does(short, 'endorse', 'alice')).toEqual([403, 'own_request']);
  expect(await does(short, 'endorse', 'bob')).toEqual([200, undefined]);
  const long = idOf(await ask(10));
  expect(await does(long, 'endorse', 'bob')).toEqual([200, undefined]);
  expect(await does(long, 'approve', 'bob')).toEqual([403, 'same_person']);
  expect(await does(long, 'approve', 'alice')).toEqual([403, 'own_request']);
  expect(await does(long, 'approve', 'carol')).toEqual([200, undefined]);
  for (const id of [short, long])
    expect((await api.get(`/v1/leave-requests/${id}`)).json['status']).toBe('approved');
  expect(await does(long, 'cancel', 'bob')).toEqual([403, 'not_yours']);
  expect(await does(long, 'cancel', 'alice', 'employee')).toEqual([200, undefined]);
  expect(await left()).toBe(27);

  const crowd = await Promise.all(
    Array.from({ length: 32 }, () =>
      decided((key) => api.post('/v1/leave-requests', { allowance, days: 3, reason: 'Rest.' }, { key })),
    ),
  );
  expect(crowd.filter(({ status }) => status === 201)).toHaveLength(9);
  expect(new Set(crowd.map(({ json }) => json['code']))).toEqual(new Set([undefined, 'not_enough_days']));
  const one = crowd.find(({ status }) => status === 201);
  expect(await does(one ? idOf(one) : '', 'reject', 'bob')).toEqual([200, undefined]);
  expect(await left()).toBe(3);
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});
