/** A creation that begins in one of several states, and one that begins in another than the first that is named. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { answers } from '../../functions/core/answers.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, later, moment, text } from '../../functions/core/fields.ts';
import { many } from '../../functions/core/others.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { itemsOf, verdictOf } from '../support/answers.ts';
import { auditWhole, located } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { conformance } from '../support/conformance.ts';

const bank = named('bank', 'world', 'EUR');
const asked = { guest: text('ada'), party: integer(1, 20, 4) };

/** A large party pays a deposit before its table is booked; only a booked one holds its guest's place. */
const bookings = defineDomain({
  collection: 'bookings',
  type: 'booking',
  idPrefix: 'bkg',
  summary: 'A table for a day.',
  states: ['cancelled', 'booked', 'charging', 'lapsed'],
  attributes: { ...asked, until: moment() },
  accounts: {
    due: {
      unit: 'EUR',
      shown: true,
      open: { while: ['charging'], code: 'no_deposit', otherwise: 'Nothing is due.' },
    },
  },
  unique: { guest_booked: { while: ['booked', 'charging'], of: ['guest'] } },
  deadlines: { lapse: { while: ['charging'], at: 'until' } },
  create: {
    summary: 'Book',
    input: asked,
    to: ['booked', 'charging'],
    next: ({ input }) => (input.party < 8 ? 'booked' : 'charging'),
    set: ({ input, now }) => ({ ...input, until: later(now, { hours: 1 }) }),
    transfers: ({ input }) => (input.party < 8 ? [] : transfer(bank, own('due'), input.party)),
    messages: {
      topic: 'external-call',
      type: 'booking.deposit',
      sentIn: ['charging'],
      done: 'paid',
      payload: ({ id }) => ({ booking: id }),
    },
  },
  transitions: {
    paid: {
      summary: 'The deposit is there',
      internal: true,
      from: ['charging'],
      to: ['booked'],
      ignoredIn: ['lapsed'],
      input: answers.call.done,
    },
    lapse: { summary: 'Nobody has paid', internal: true, from: ['charging'], to: ['lapsed'] },
    cancel: { summary: 'Call it off', from: ['booked'], to: ['cancelled'] },
  },
});

/** Always begins in the second of its states, with bookings of its own. */
const outings = defineDomain({
  collection: 'outings',
  type: 'outing',
  idPrefix: 'otg',
  summary: 'Some tables at once.',
  states: ['over', 'planned'],
  attributes: { how: text('booked charging') },
  create: {
    summary: 'Plan it',
    to: 'planned',
    input: { party: integer(1, 20, 8) },
    creates: {
      tables: {
        of: many(bookings, 2),
        input: ({ id, input: { party } }) => [
          { guest: `${id} one`, party: 1 },
          { guest: `${id} two`, party },
        ],
      },
    },
    set: ({ created }) => ({ how: created.tables.map(({ status }) => status).join(' ') }),
  },
  transitions: { end: { summary: 'End it', from: ['planned'], to: ['over'] } },
});

const domains = [bookings, outings];

describe('a creation that chooses its state', () => {
  let api: TestBackend;
  beforeAll(async () => {
    api = await startBackend({ domains });
  });
  const book = (guest: string, party: number) => api.post('/v1/bookings', { guest, party });

  it('begins in either, with what belongs to that state', async () => {
    const [small, large] = [await book('small', 2), await book('large', 9)];
    expect(small.json).toMatchObject({ status: 'booked', due: 0, allowedTransitions: ['cancel'] });
    expect(large.json).toMatchObject({ status: 'charging', due: 9, allowedTransitions: [] });
    const sent = [small, large].map(({ json }) => api.get(`/v1/bookings/${String(json['id'])}/messages`));
    expect((await Promise.all(sent)).map((reply) => itemsOf(reply).length)).toEqual([0, 1]);
    expect(verdictOf(await book('large', 2))).toEqual([409, 'already_exists']);
    const charging = itemsOf(await api.get('/v1/bookings?status=charging'));
    expect(charging.map(({ id }) => id)).toEqual([large.json['id']]);
  });

  it('is seen as it begins by what creates it, which begins in the state it names', async () => {
    const made = await api.post('/v1/outings', { party: 12 });
    expect(made.json).toMatchObject({ status: 'planned', how: 'booked charging' });
    expect((await api.post('/v1/outings', { party: 7 })).json).toMatchObject({ how: 'booked booked' });
    expect(located((await auditWhole(createAudit(api.backend), 'acme')).problems)).toEqual([]);
  });

  it('is drawn and described so', () => {
    const document = createOpenApi(registerDomains(domains));
    const { description = '' } = document.tags?.find(({ name }) => name === 'bookings') ?? {};
    expect(description).toContain('  [*] --> booked\n  [*] --> charging\n');
    const { post } = document.paths?.['/v1/bookings'] ?? {};
    expect(post?.description).toContain('Its first status is `booked` or `charging`.');
    expect(JSON.stringify(post?.responses)).toContain('"cancel":{"operationId":"cancelBooking"');
    expect(document.paths?.['/v1/outings']?.post?.description).toContain('Its first status is `planned`.');
  });
});

for (const domain of domains) conformance(domain, domains);
