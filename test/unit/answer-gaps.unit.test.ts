/** A definition in which an answer could come to a state that has no place for it is refused when it is loaded. */
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import type { AnyMessage } from '../../functions/core/messages.ts';
import { moment } from '../../functions/core/fields.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';

type Arrows = Readonly<Record<string, Partial<AnyTransition> & Pick<AnyTransition, 'from' | 'to'>>>;

const call = (head: Partial<AnyMessage>): AnyMessage => ({
  topic: 'external-call',
  type: 'order.charge',
  payload: () => ({}),
  ...head,
});

/** A machine of states and arrows; what an answer brings about is internal. */
function machine(states: readonly string[], arrows: Arrows, created: readonly AnyMessage[] = []): Domain {
  const sent = [...created, ...Object.values(arrows).flatMap(({ messages = [] }) => messages)];
  const answers = new Set(sent.flatMap(({ done, refused, dead }) => [done, refused, dead]));
  return {
    collection: 'orders',
    type: 'order',
    idPrefix: 'ord',
    summary: '',
    states,
    initial: states[0] ?? '',
    attributes: z.strictObject({}),
    create: { summary: '', input: z.strictObject({}), set: () => ({}), messages: created },
    transitions: Object.fromEntries(
      Object.entries(arrows).map(([name, arrow]) => [
        name,
        {
          summary: '',
          next: () => arrow.to[0] ?? '',
          ...arrow,
          ...(answers.has(name) && { internal: true }),
        },
      ]),
    ),
  };
}

const charge = call({ done: 'paid', refused: 'decline' });
const paid = { from: ['placed'], to: ['closed'] };
const decline = { from: ['placed'], to: ['closed'] };

const gaps: readonly [what: string, domain: Domain, says: string][] = [
  [
    'a state that a caller brings about while the answer is on its way',
    machine(
      ['placed', 'closed', 'cancelled'],
      { paid, decline, cancel: { from: ['placed'], to: ['cancelled'] } },
      [charge],
    ),
    'the answer "done" to "order.charge", sent by "create", may come in "cancelled", where "paid" is not allowed (create -> placed -cancel-> cancelled). Let "paid" begin in "cancelled" too, or name "cancelled" in its "ignoredIn", where the answer changes nothing',
  ],
  [
    'only one of the two answers has a place',
    machine(
      ['placed', 'closed', 'cancelled'],
      {
        paid: { ...paid, ignoredIn: ['cancelled'] },
        decline,
        cancel: { from: ['placed'], to: ['cancelled'] },
      },
      [charge],
    ),
    'the answer "refused" to "order.charge", sent by "create", may come in "cancelled", where "decline" is not allowed (create -> placed -cancel-> cancelled)',
  ],
  [
    'the state in which it is sent is forgotten',
    machine(['draft', 'placed', 'closed'], {
      place: { from: ['draft'], to: ['placed'], messages: [call({ done: 'paid' })] },
      paid: { from: ['draft'], to: ['closed'] },
    }),
    'the answer "done" to "order.charge", sent by "place", may come in "placed", where "paid" is not allowed (create -> draft -place-> placed)',
  ],
  [
    'a state two steps away',
    machine(
      ['placed', 'packed', 'shipped', 'closed'],
      {
        paid: { from: ['placed', 'packed'], to: ['closed'] },
        pack: { from: ['placed'], to: ['packed'] },
        ship: { from: ['packed'], to: ['shipped'] },
      },
      [call({ done: 'paid' })],
    ),
    'the answer "done" to "order.charge", sent by "create", may come in "shipped", where "paid" is not allowed (create -> placed -pack-> packed -ship-> shipped)',
  ],
  [
    'the shortest way is told, not the first',
    machine(
      ['placed', 'packed', 'shipped', 'closed'],
      {
        paid: { from: ['placed', 'packed'], to: ['closed'] },
        pack: { from: ['placed'], to: ['packed'] },
        ship: { from: ['packed'], to: ['shipped'] },
        collect: { from: ['placed'], to: ['shipped'] },
      },
      [call({ done: 'paid' })],
    ),
    'may come in "shipped", where "paid" is not allowed (create -> placed -collect-> shipped)',
  ],
  [
    'one of several ends of the command that sends it',
    machine(['draft', 'placed', 'waiting', 'closed'], {
      place: { from: ['draft'], to: ['placed', 'waiting'], messages: [call({ done: 'paid' })] },
      paid: { from: ['placed'], to: ['closed'] },
    }),
    'the answer "done" to "order.charge", sent by "place", may come in "waiting", where "paid" is not allowed (create -> draft -place-> waiting)',
  ],
  [
    'a second message of the same kind, whose answer comes after the first one’s',
    machine(['placed', 'closed'], {
      remind: {
        from: ['placed'],
        to: ['placed'],
        messages: [call({ type: 'order.reminder', done: 'paid' })],
      },
      paid: { from: ['placed'], to: ['closed'] },
    }),
    'the answer "done" to "order.reminder", sent by "remind", may come in "closed", where "paid" is not allowed (create -> placed -remind-> placed -remind-> placed -paid-> closed)',
  ],
  [
    'several messages of one command',
    machine(['placed', 'closed'], { paid }, [call({ done: 'paid', atMost: 2 })]),
    'the answer "done" to "order.charge", sent by "create", may come in "closed", where "paid" is not allowed (create -> placed -paid-> closed)',
  ],
  [
    'an answer that comes after it was given up',
    machine(['placed', 'closed', 'failed'], { paid, 'charge-failed': { from: ['placed'], to: ['failed'] } }, [
      call({ done: 'paid', dead: 'charge-failed' }),
    ]),
    'the answer "done" to "order.charge", sent by "create", may come in "failed", where "paid" is not allowed (create -> placed -charge-failed-> failed)',
  ],
  [
    'the deadline that is no answer',
    {
      ...machine(['placed', 'closed', 'expired'], { paid, expire: { from: ['placed'], to: ['expired'] } }, [
        call({ dead: 'paid' }),
      ]),
      attributes: z.strictObject({ until: moment().optional() }),
      deadlines: { expire: { while: ['placed'], at: 'until' } },
    },
    'the answer "dead" to "order.charge", sent by "create", may come in "expired", where "paid" is not allowed (create -> placed -expire-> expired)',
  ],
];

describe('an answer without a home', () => {
  it.each(gaps)('%s', (_, domain, says) => {
    expect(() => registerDomains([domain])).toThrow(says);
  });
});

describe('an answer has a home', () => {
  it('where every state has its transition, or ignores it', () => {
    const whole = machine(
      ['placed', 'closed', 'cancelling', 'cancelled'],
      {
        paid: { from: ['placed', 'cancelling'], to: ['closed'], ignoredIn: ['cancelled'] },
        decline: { from: ['placed', 'cancelling'], to: ['closed'], ignoredIn: ['cancelled'] },
        cancel: { from: ['placed'], to: ['cancelling'] },
        'give-up': { from: ['cancelling'], to: ['cancelled'] },
      },
      [charge],
    );
    expect(() => registerDomains([whole])).not.toThrow();
  });

  it('where it was given up once: it is not given up again', () => {
    const failed = machine(
      ['placed', 'closed', 'failed'],
      {
        paid: { from: ['placed', 'failed'], to: ['closed'] },
        'charge-failed': { from: ['placed'], to: ['failed'] },
      },
      [call({ done: 'paid', dead: 'charge-failed' })],
    );
    expect(() => registerDomains([failed])).not.toThrow();
  });

  it('where a transition stays in the state that it finds', () => {
    const { transitions, ...rest } = machine(
      ['placed', 'closed'],
      { paid, note: { from: ['placed', 'closed'], to: ['placed', 'closed'] } },
      [call({ done: 'paid' })],
    );
    const parts = Object.entries(transitions['note'] ?? {}).filter(([part]) => part !== 'next');
    const note = Object.fromEntries(parts) as unknown as AnyTransition;
    const staying = { ...rest, transitions: { ...transitions, note } };
    expect(() => registerDomains([staying])).not.toThrow();
    // With a `next` of its own it may lead to either.
    expect(() => registerDomains([{ ...rest, transitions }])).toThrow('may come in "closed"');
  });

  it('in every domain that is served', () => {
    expect(() => registerDomains(domains)).not.toThrow();
  });
});
