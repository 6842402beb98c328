import * as z from 'zod';
import { answers } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { email, later, moment, secret, text } from '../core/fields.ts';
import { fingerprint } from '../core/rules.ts';

const invitation = { workspace: text('press'), email: email(), role: text('editor') };

export const invites = defineDomain({
  collection: 'invites',
  type: 'invite',
  idPrefix: 'inv',
  summary: 'An invitation into a workspace, accepted with a code that only the invited address gets.',
  states: ['pending', 'accepted', 'revoked', 'expired', 'undeliverable'],
  attributes: { ...invitation, validUntil: moment() },
  hidden: { codeFingerprint: z.string() },
  unique: {
    open_invite: {
      while: ['pending'],
      of: ({ workspace, email: address }) => [workspace, address.toLowerCase()],
    },
  },
  deadlines: { expire: { while: ['pending'], at: 'validUntil' } },
  create: {
    summary: 'Invite somebody',
    input: invitation,
    set: ({ input, now, random }) => ({
      ...input,
      validUntil: later(now, { days: 14 }),
      codeFingerprint: fingerprint(random),
    }),
    messages: {
      topic: 'notification',
      type: 'invite.created',
      sensitive: true,
      refused: 'bounce',
      payload: ({ id, input, random }) => ({
        to: input.email,
        subject: `You are invited to ${input.workspace}`,
        text: `Accept the invitation ${id} as ${input.role} with this code: ${random}`,
      }),
    },
  },
  transitions: {
    accept: {
      summary: 'Join with the code of the mail',
      from: ['pending'],
      to: ['accepted'],
      input: { code: secret(text('3q2-7wEFAAABAgMEBQYHCA')) },
      rules: {
        invite_expired: { until: 'validUntil', otherwise: 'The invitation has run out.' },
        wrong_code: {
          path: 'codeFingerprint',
          secret: ({ input }) => input.code,
          otherwise: 'This is not the code of the invitation.',
        },
      },
    },
    revoke: { summary: 'Take the invitation back', from: ['pending'], to: ['revoked'] },
    bounce: {
      summary: 'The mail was refused for good',
      internal: true,
      from: ['pending'],
      ignoredIn: ['accepted', 'revoked', 'expired'],
      to: ['undeliverable'],
      input: answers.mail.refused,
    },
    expire: {
      summary: 'The invitation runs out',
      internal: true,
      from: ['pending'],
      to: ['expired'],
      rules: { invite_not_over: { since: 'validUntil', otherwise: 'The invitation has not run out.' } },
    },
  },
});
