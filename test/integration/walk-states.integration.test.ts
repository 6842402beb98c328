/** The conformance tests of creations that name what has gone on since it was created. */
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { conformance } from '../support/conformance.ts';

const policy = { holder: text('ada') };
const policies = defineDomain({
  collection: 'policies',
  type: 'policy',
  idPrefix: 'plc',
  summary: 'What is insured.',
  states: ['unpaid', 'active', 'ended'],
  attributes: policy,
  accounts: {
    cover: { unit: 'EUR', floor: { minimum: 0, code: 'cover_exceeded', otherwise: 'Less is left.' } },
  },
  create: { summary: 'Ask for it', input: policy },
  transitions: {
    pay: {
      summary: 'Pay the premium',
      from: ['unpaid'],
      to: ['active'],
      transfers: () => transfer(named('insurer', 'us', 'EUR'), own('cover'), 300_000),
    },
    note: { summary: 'A claim was filed', internal: true, from: ['active'] },
    end: { summary: 'End it', from: ['active'], to: ['ended'] },
  },
});

const claim = { policy: reference('policies', 'plc'), amount: amount(90_000) };

/** It looks at the policy, which must be paid for. */
const claims = defineDomain({
  collection: 'claims',
  type: 'claim',
  idPrefix: 'clm',
  summary: 'What somebody wants back.',
  states: ['filed', 'withdrawn'],
  attributes: claim,
  create: {
    summary: 'File it',
    input: claim,
    reads: {
      policy: {
        of: policies,
        id: ({ input }) => input.policy,
        rules: {
          policy_not_active: { path: 'status', is: 'active', otherwise: 'The policy is not active.' },
        },
      },
    },
  },
  transitions: { withdraw: { summary: 'Take it back', from: ['filed'], to: ['withdrawn'] } },
});

/** It takes the policy along, which can only be noted on while it is paid for. */
const reports = defineDomain({
  collection: 'reports',
  type: 'report',
  idPrefix: 'rep',
  summary: 'What has happened.',
  states: ['told', 'closed'],
  attributes: claim,
  create: {
    summary: 'Tell it',
    input: claim,
    links: { policy: { of: policies, id: ({ input }) => input.policy, transition: 'note' } },
  },
  transitions: { close: { summary: 'Close it', from: ['told'], to: ['closed'] } },
});

/** It draws on the policy without a read, and there is enough for three. */
const payouts = defineDomain({
  collection: 'payouts',
  type: 'payout',
  idPrefix: 'pyt',
  summary: 'What somebody is paid.',
  states: ['paid', 'undone'],
  attributes: claim,
  accounts: { paid: { unit: 'EUR' } },
  create: {
    summary: 'Pay it',
    input: claim,
    references: {
      policy: {
        of: policies,
        id: ({ input }) => input.policy,
        rules: {
          policy_not_active: { path: 'status', is: 'active', otherwise: 'The policy is not active.' },
        },
      },
    },
    transfers: ({ input }) => transfer(accountOf(policies, input.policy, 'cover'), own('paid'), input.amount),
  },
  transitions: {
    undo: {
      summary: 'It was wrong',
      from: ['paid'],
      to: ['undone'],
      transfers: ({ entity }) =>
        transfer(own('paid'), accountOf(policies, entity.policy, 'cover'), entity.amount),
    },
  },
});

for (const domain of [policies, claims, reports, payouts])
  conformance(domain, [policies, claims, reports, payouts]);
