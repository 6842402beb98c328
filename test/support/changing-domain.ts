/** A small domain whose definition is changed in tests while its entities live. */
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { amount, moment, text } from '../../functions/core/fields.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';

const asked = { topic: 'notification', type: 'member.asked' } as const;
const joined = { topic: 'notification', type: 'member.joined' } as const;
const waitMs = 10 * 60 * 1000;

/** A member of a club waits to be let in, pays dues, and leaves. */
export const members: Domain = defineDomain({
  collection: 'members',
  type: 'member',
  idPrefix: 'mbr',
  summary: 'A member of a club.',
  states: ['waiting', 'active', 'left'],
  attributes: { name: text('Ada'), until: moment() },
  accounts: { dues: { unit: 'EUR', shown: true } },
  unique: { member_name: { while: ['waiting', 'active'], of: ['name'] } },
  deadlines: { lapse: { while: ['waiting'], at: 'until' } },
  create: {
    summary: 'Ask to be let in',
    input: { name: text('Ada') },
    set: ({ input, now }) => ({ name: input.name, until: new Date(now + waitMs).toISOString() }),
    messages: [{ ...asked, payload: ({ input }) => ({ to: input.name, subject: 'Welcome', text: 'Soon.' }) }],
  },
  transitions: {
    remind: { summary: 'Wait on', from: ['waiting'], to: ['waiting'] },
    join: {
      summary: 'Be let in',
      from: ['waiting'],
      to: ['active'],
      messages: [{ ...joined, payload: ({ id }) => ({ to: id, subject: 'In', text: 'In.' }) }],
    },
    pay: {
      summary: 'Pay dues',
      from: ['waiting', 'active'],
      to: ['waiting', 'active'],
      next: ({ entity }) => (entity.status === 'active' ? 'active' : 'waiting'),
      input: { amount: amount(10) },
      transfers: ({ input }) => transfer(named('bank', 'club', 'EUR'), own('dues'), input.amount),
    },
    leave: { summary: 'Leave', from: ['waiting', 'active'], to: ['left'] },
    lapse: { summary: 'Nobody let it in', internal: true, from: ['waiting'], to: ['left'] },
  },
});

/** A later version of it. */
export const later = (change: Partial<Domain>, of: Domain = members): Domain => ({
  ...of,
  version: (of.version ?? 1) + 1,
  ...change,
});

/** Without some of its members. */
export function lacking<Of extends object>(of: Of, ...names: readonly (keyof Of)[]): Of {
  const kept = Object.entries(of).filter(([name]) => !names.includes(name as keyof Of));
  return Object.fromEntries(kept) as unknown as Of;
}
