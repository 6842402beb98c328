/** A story of the example `test/examples/crowdfunding.ts`: all of it or nothing, at the moment that was chosen. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { campaigns, pledges } from '../examples/crowdfunding.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const day = 24 * 60 * 60 * 1000;

it('pays out what many have pledged in time, and gives it back where it was too little', async () => {
  const clock = createTestClock();
  const api = await startBackend({ domains: [campaigns, pledges], client, clock });
  const walk = new Walk(api, clock, 'acme');
  const ask = (days: number) => {
    const endsAt = new Date(clock.now() + days * day).toISOString();
    return api.post('/v1/campaigns', { title: 'A record', goal: 1_000, endsAt });
  };
  expect(verdictOf(await ask(0))).toEqual([409, 'ends_too_soon']);
  const [enough, little] = [idOf(await ask(2)), idOf(await ask(2))];
  const pledge = (campaign: string, n: number): Promise<Reply> =>
    decided((key) => api.post('/v1/pledges', { campaign, amount: 40 }, { key, subject: `backer-${n}` }));
  const crowd = await Promise.all(Array.from({ length: 32 }, (_each, n) => pledge(enough, n)));
  expect(crowd.map(({ status }) => status)).toEqual(crowd.map(() => 201));
  const alone = idOf(await pledge(little, 1));
  const back = () => api.post(`/v1/pledges/${alone}/give-back`, undefined, { subject: 'backer-1' });
  expect(verdictOf(await back())).toEqual([409, 'not_failed']);

  clock.advance(3 * day);
  for (const id of [enough, little]) await walk.runDue(await walk.state(id));
  expect((await walk.state(enough)).status).toBe('funded');
  expect(verdictOf(await pledge(enough, 40))).toEqual([409, 'not_open']);
  expect(verdictOf(await api.post(`/v1/campaigns/${enough}/pay-out`))).toEqual([200, undefined]);
  expect((await api.get('/v1/balances/paid-out:alice:EUR')).json['balance']).toBe(32 * 40);
  expect(verdictOf(await back())).toEqual([200, undefined]);
  expect((await api.get('/v1/balances/paid:backer-1:EUR')).json['balance']).toBe(-40);
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});
