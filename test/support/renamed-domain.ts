/** A later version of the small domain whose older entities are upgraded. */
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { moment, text } from '../../functions/core/fields.ts';
import { later, members } from './changing-domain.ts';

const transition = (name: string): AnyTransition => {
  const found = members.transitions[name];
  if (!found) throw new Error(`there is no "${name}"`);
  return found;
};

/** `name` has become `fullName`, and who waits is split into those who were asked and those who were not. */
export const renamed: Domain = later({
  attributes: z.strictObject({ fullName: text('Ada'), until: moment(), lapsesAt: moment() }),
  states: ['new', 'asked', 'active', 'left'],
  formerStates: ['waiting'],
  initial: 'new',
  unique: [
    {
      name: 'member_name',
      while: ['new', 'asked', 'active'],
      of: ({ fullName }: { readonly fullName: string }) => [fullName.toLowerCase()],
    },
  ],
  deadlines: { lapse: { while: ['new', 'asked'], at: 'lapsesAt' } },
  upgrades: {
    1: ({ name, until, status }) => ({
      fullName: name,
      until,
      lapsesAt: new Date(Date.parse(String(until)) + 60_000).toISOString(),
      ...(status === 'waiting' && { status: 'new' }),
    }),
  },
  create: {
    ...members.create,
    set: ({ input, now }: { input: { name: string }; now: number }) => ({
      fullName: input.name,
      until: new Date(now + 600_000).toISOString(),
      lapsesAt: new Date(now + 660_000).toISOString(),
    }),
    messages: [],
  },
  transitions: {
    ask: { summary: 'Ask', from: ['new'], to: ['asked'] },
    join: { ...transition('join'), from: ['new', 'asked'] },
    leave: { ...transition('leave'), from: ['new', 'asked', 'active'] },
    lapse: { ...transition('lapse'), from: ['new', 'asked'] },
  },
});
