/** A story of the example `test/examples/rentals.ts`: one piece, many who want it, and an owner who is paid. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { equipment, rentals } from '../examples/rentals.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';

it('lends a piece to one of many, never to its owner, and pays the owner when it is back', async () => {
  const api = await startBackend({ domains: [equipment, rentals], client });
  const piece = idOf(await api.post('/v1/equipment', { name: 'A drill', perDay: 500 }, { subject: 'alice' }));
  const rent = (subject: string) =>
    decided((key) => api.post('/v1/rentals', { piece, days: 3 }, { subject, key }));
  expect(verdictOf(await rent('alice'))).toEqual([409, 'own_equipment']);

  const crowd = await Promise.all(Array.from({ length: 32 }, (_each, n) => rent(`renter-${n}`)));
  const [taken] = crowd.filter(({ status }) => status === 201);
  expect(new Set(crowd.map(({ json }) => json['code']))).toEqual(new Set([undefined, 'not_available']));
  expect(crowd.filter(({ status }) => status === 201)).toHaveLength(1);
  const path = `/v1/rentals/${taken ? idOf(taken) : ''}/return`;
  expect(verdictOf(await api.post(path, undefined, { subject: 'bob' }))).toEqual([403, 'not_the_owner']);
  expect(verdictOf(await api.post(path, undefined, { subject: 'alice' }))).toEqual([200, undefined]);
  expect((await api.get(`/v1/equipment/${piece}`)).json).toMatchObject({
    status: 'available',
    earned: 1_500,
  });
  expect(verdictOf(await rent('bob'))).toEqual([201, undefined]);
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});

it('rents the dearest piece for as long as one may, and takes no piece that would be dearer', async () => {
  const api = await startBackend({ domains: [equipment, rentals], client });
  const offer = (perDay: number) =>
    api.post('/v1/equipment', { name: 'A crane', perDay }, { subject: 'alice' });
  expect(verdictOf(await offer(1_000_001))).toEqual([400, 'invalid_request']);
  const piece = idOf(await offer(1_000_000));
  const rented = await api.post('/v1/rentals', { piece, days: 30 }, { subject: 'bob' });
  expect([rented.status, rented.json['price']]).toEqual([201, 30_000_000]);
});
