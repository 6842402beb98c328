/** A story of the example `test/examples/subscriptions.ts`: what a year of time brings about by itself. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { subscriptions } from '../examples/subscriptions.ts';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { answer, unanswered } from '../support/answering.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const tenant = 'acme';

async function subscribed() {
  const clock = createTestClock();
  clock.moveTo(Date.parse('2027-01-31T09:00:00.000Z'));
  const api = await startBackend({ domains: [subscriptions], clock, client });
  const created = await api.post('/v1/subscriptions', { price: 990, currency: 'EUR' });
  const id = idOf(created);
  const path = `/v1/subscriptions/${id}`;
  const walk = new Walk(api, clock, tenant);
  return {
    ...{ api, path, startedAt: String(created.json['startedAt']) },
    seen: async () => (await api.get(path)).json,
    /** Time passes until this has come, and all before it. */
    comes: (transition: string) => walk.force(id, transition),
    answers: async (outcome: 'done' | 'refused') => {
      const [charge] = await unanswered(api, tenant, id);
      if (!charge) throw new Error('no charge waits for an answer');
      expect((await answer(api, charge, outcome)).kind).toBe('ended');
    },
    /** Nobody carries out the mails here, which wait for months. */
    problems: async () =>
      (await auditWhole(createAudit(api.backend), tenant)).problems.filter(
        ({ problem }) => !problem.startsWith('message_stuck'),
      ),
  };
}

it('charges on its day each month, whenever it was paid, and ends when the customer leaves', async () => {
  const { api, path, startedAt, seen, comes, answers, problems } = await subscribed();
  const days: string[] = [];
  for (let month = 0; month < 4; month += 1) {
    await comes('renew');
    const { renewsAt } = await seen();
    days.push(String(renewsAt).slice(0, 10));
    expect(String(renewsAt).slice(10)).toBe(startedAt.slice(10));
    if (month === 1) await comes('chase');
    await answers('done');
  }
  expect(days).toEqual(['2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31']);
  expect((await api.get('/v1/balances/takings:subscriptions:EUR')).json['balance']).toBe(4 * 990);
  expect(verdictOf(await api.post(`${path}/cancel`, undefined, { subject: 'bob' }))).toEqual([
    403,
    'not_the_customer',
  ]);
  for (const step of ['cancel', 'resume', 'cancel']) await api.post(`${path}/${step}`);
  await comes('end');
  expect(await seen()).toMatchObject({ status: 'ended', renewsAt: `2027-05-31${startedAt.slice(10)}` });
  const asked = itemsOf(await api.get(`${path}/messages`)).map(({ type }) => type);
  expect(asked.filter((type) => type === 'subscription.unanswered')).toHaveLength(1);
  expect(await problems()).toEqual([]);
});

it('tries a declined charge again by itself or at the customer’s word, and ends after the third', async () => {
  const { api, path, seen, comes, answers, problems } = await subscribed();
  await comes('renew');
  await answers('refused');
  const { retryAt, tries } = await seen();
  expect([tries, typeof retryAt]).toEqual([1, 'string']);
  await comes('retry');
  await answers('refused');
  const crowd = await Promise.all(
    Array.from({ length: 32 }, () => decided((key) => api.post(`${path}/retry`, undefined, { key }))),
  );
  expect(crowd.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(new Set(crowd.map(({ json }) => json['code']))).toEqual(
    new Set([undefined, 'transition_not_allowed']),
  );
  await answers('refused');
  expect(await seen()).toMatchObject({ status: 'ended', tries: 3 });
  expect(await problems()).toEqual([]);
});
