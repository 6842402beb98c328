import * as z from 'zod';
import { answers } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { integer, list, remark, text, title } from '../core/fields.ts';

const approversMax = 20;
const asked = {
  title: title('Buy a new press'),
  approvers: list(text('bob'), 1, approversMax, ['alice', 'bob']),
  quorum: integer(1, approversMax, 1).describe('At most as many as `approvers`.'),
};

const owner = {
  not_the_owner: { actorIs: 'owner', otherwise: 'Only who created it may submit or withdraw it.' },
} as const;
const approver = {
  not_an_approver: { actorIn: 'approvers', otherwise: 'Only an approver may vote.' },
} as const;
const votesOnce = {
  already_voted: {
    path: 'approvedBy',
    lacks: ({ actor }: { readonly actor: string }) => actor,
    otherwise: 'You have voted already.',
  },
} as const;

export const approvals = defineDomain({
  collection: 'approvals',
  type: 'approval',
  idPrefix: 'apr',
  summary: 'Something that a quorum of named people has to agree to.',
  states: ['draft', 'submitted', 'approved', 'rejected', 'withdrawn'],
  attributes: {
    title: asked.title,
    owner: text('alice'),
    approvers: asked.approvers,
    quorum: asked.quorum,
    approvedBy: z.array(z.string()),
    summary: remark('By a language model, once it has written it.'),
  },
  create: {
    summary: 'Draft something to be approved',
    input: z.strictObject(asked).refine(({ approvers, quorum }) => quorum <= approvers.length, {
      path: ['quorum'],
      error: 'must not be more than there are approvers',
    }),
    set: ({ input, actor }) => ({ ...input, owner: actor, approvedBy: [] }),
  },
  transitions: {
    submit: {
      summary: 'Ask the approvers',
      from: ['draft'],
      to: ['submitted'],
      authorize: owner,
      messages: [
        {
          topic: 'llm',
          type: 'approval.submitted',
          done: 'keep-summary',
          payload: ({ entity }) => ({ title: entity.title, text: entity.title }),
        },
        {
          topic: 'notification',
          type: 'approval.submitted',
          atMost: approversMax,
          payload: ({ id, entity }) =>
            entity.approvers.map((to) => ({
              to,
              subject: `Please decide: ${entity.title}`,
              text: `Approval ${id} waits for your vote. ${entity.quorum} of ${entity.approvers.length} have to agree.`,
            })),
        },
      ],
    },
    'keep-summary': {
      summary: 'The summary is written',
      internal: true,
      from: ['submitted', 'approved', 'rejected', 'withdrawn'],
      input: answers.summary.done,
      set: ({ input }) => ({ summary: input.text }),
    },
    approve: {
      summary: 'Vote for it',
      from: ['submitted'],
      to: ['submitted', 'approved'],
      authorize: approver,
      rules: votesOnce,
      next: ({ entity }) => (entity.approvedBy.length + 1 >= entity.quorum ? 'approved' : 'submitted'),
      set: ({ entity, actor }) => ({ approvedBy: [...entity.approvedBy, actor] }),
    },
    reject: {
      summary: 'Vote against it, which ends it',
      from: ['submitted'],
      to: ['rejected'],
      authorize: approver,
      rules: votesOnce,
    },
    withdraw: {
      summary: 'Take it back',
      from: ['draft', 'submitted'],
      to: ['withdrawn'],
      authorize: owner,
    },
  },
});
