/**
 * G18 and G19, and the order of messages that ask for one, each in a danger of its own, and in builds in which it is lost.
 * How far they hold under faults is in `answers.faults.test.ts` and `answer-pairs.faults.test.ts`.
 */
import { randomUUID } from 'node:crypto';
import { ulid } from 'ulid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { refused } from '../../functions/workers/receiver.ts';
import type { Receiver } from '../../functions/workers/receiver.ts';
import { answerTo, bury } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import { startAnswerLab } from '../support/faults/answer-lab.ts';
import type { AnswerBuild, AnswerCaseOptions, AnswerLab } from '../support/faults/answer-lab.ts';
import type { Violation } from '../support/faults/checker.ts';
import { clientsOf, deliverOnce } from '../support/faults/delivery.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { calls, condition, edited, gate, transactions } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { lateByMs } from '../support/faults/provider.ts';
import { bodyOf, silent } from '../support/outbox.ts';

let lab: AnswerLab;
beforeAll(async () => {
  lab = await startAnswerLab();
});
afterAll(() => lab.stop());

type Violations = Promise<readonly Violation[]>;

/** One call, until everything that comes by itself has come. */
async function alone(options: AnswerCaseOptions, build?: AnswerBuild): Violations {
  const sent = await lab.send(options);
  await lab.settle(sent, build);
  return lab.violations(sent);
}

/** The receiver says yes in its response, and no by a callback. */
async function twoAnswers({ mutate }: AnswerBuild = {}): Violations {
  const sent = await lab.send({ call: 'capture', event: 'it acts and answers' });
  const clients = clientsOf(lab.outbox, mutate ? { mutate } : {});
  const before = await lab.outbox.read(sent.message);
  await lab.deliver(sent, clients);
  const no = answerTo(before, 'refused', timestamp(sent.clock.now()));
  await lab
    .answersOf(sent, clients)
    .answer(before, { answer: no, from: 'callback' })
    .catch(() => undefined);
  clients.destroy();
  return lab.violations(sent);
}

/** The receiver says yes by a callback while its call goes on, and then in its response. */
async function saidTwice({ mutate }: AnswerBuild = {}): Violations {
  const sent = await lab.send({ call: 'capture', event: 'it acts and answers' });
  const clients = clientsOf(lab.outbox, mutate ? { mutate } : {});
  const yes = answerTo(sent.message, 'done', timestamp(sent.clock.now()));
  const receives: AnswerBuild['receives'] = (receiver) => async (message, call) => {
    const received = await receiver(message, call);
    const { answer } = lab.answersOf(sent, lab.outbox);
    await answer(await lab.outbox.read(sent.message), { answer: yes, from: 'callback' });
    return received;
  };
  await lab.deliver(sent, clients, { receives });
  clients.destroy();
  return lab.violations(sent);
}

/** A person says no of a dead message, and just before that is written its receiver says yes by a callback. */
async function wordAfterAnswer({ mutate }: AnswerBuild = {}): Violations {
  const sent = await lab.send({ call: 'capture', event: 'it acts and answers' });
  const { message, provider, clock } = sent;
  await bury(lab.api, message);
  const held = gate();
  const { post, backend } = await startBackend({
    tables: lab.outbox.tables,
    clock: lab.outbox.clock,
    log: silent,
    prepare: (client) => {
      mutate?.(client);
      held.watch(client);
    },
  });
  const word = { outcome: 'refused', note: 'nobody knows of it' };
  const said = post(`/v1/messages/${message.id}/resolve`, word, { tenant: message.tenant });
  await held.reached(1);
  await provider.receive(message, { signal: AbortSignal.timeout(1_000), isSent: true });
  const yes = answerTo(message, 'done', timestamp(clock.now()));
  await lab
    .answersOf(sent, lab.outbox)
    .answer(await lab.outbox.read(message), { answer: yes, from: 'callback' });
  held.open();
  await said;
  backend.store.client.destroy();
  return lab.violations(sent);
}

/** The second of two ordered messages comes to its worker first. */
async function secondFirst({ mutate }: AnswerBuild = {}): Violations {
  const { outbox } = lab;
  const entity = { tenant: randomUUID(), entityId: `pay_${ulid()}` };
  const ordered = { ...entity, type: 'payment.told', receiver: 'payments', ordered: true };
  const [first, second] = [
    await outbox.put({ ...ordered, seq: 2 }),
    await outbox.put({ ...ordered, seq: 3 }),
  ];
  const seqs: number[] = [];
  const receive: Receiver = ({ seq }) => {
    seqs.push(seq);
    return Promise.resolve({ kind: 'done', result: { status: 200 } });
  };
  const clients = clientsOf(outbox, mutate ? { mutate } : {});
  for (const message of [second, first, second])
    await deliverOnce(outbox, 'external-call', clients, receive, bodyOf(message));
  clients.destroy();
  return seqs.join() === '2,3'
    ? []
    : [{ guarantee: 'G11', what: `${entity.entityId} was told ${seqs.join()}` }];
}

/** Where an update says this, changes it. */
const updates = (mark: string, change: (input: Record<string, unknown>) => Record<string, unknown>): Mutate =>
  calls('UpdateItemCommand', (input) =>
    String(input['UpdateExpression']).includes(mark) ? change(input) : input,
  );
const valuesOf = (input: Record<string, unknown>, values: object): Record<string, unknown> => ({
  ...input,
  ExpressionAttributeValues: { ...(input['ExpressionAttributeValues'] as object), ...values },
});

/** Leaves a clause out of an update's condition. */
const without = (mark: string, clause: string): Mutate =>
  updates(mark, (input) =>
    condition(input, String(input['ConditionExpression']).replace(clause, 'attribute_exists(pk)')),
  );

/** The write of a failed attempt. */
const retried = '#lastError = :error, #calls = :calls, #leaseUntil = :until';

guarantee<AnswerBuild>(
  'G18 an answer is taken once',
  async (build) => [
    ...(await alone({ call: 'capture', event: 'it acts and answers' }, build)),
    // Its answer is kept before its entity is moved.
    ...(await alone({ call: 'capture', event: 'it acts and answers', uncertain: 'hold' }, build)),
    ...(await alone({ call: 'capture', event: 'it acts, and its answer is lost' }, build)),
    ...(await alone({ call: 'capture', event: 'it refuses' }, build)),
    ...(await twoAnswers(build)),
    ...(await saidTwice(build)),
    ...(await wordAfterAnswer(build)),
  ],
  {
    'a message is done before its entity has moved': {
      mutate: updates('#answer = :answer', (input) => valuesOf(input, { ':status': 'done' })),
    },
    'the entity moves, and its message does not end with it': {
      mutate: transactions((items) =>
        items.filter(({ Update }) => Update?.TableName?.endsWith('-outbox') !== true),
      ),
    },
    'a second answer takes the place of the first': {
      mutate: updates('#answer = :answer', (input) => condition(input, 'attribute_exists(pk)')),
    },
    'an answer moves its entity, and nobody asks whether there is one already': {
      mutate: transactions((items) =>
        items.map((item) =>
          item.Update?.ConditionExpression?.includes('attribute_not_exists(#answer)') === true
            ? edited(item, (part) => condition(part, 'attribute_exists(pk)'))
            : item,
        ),
      ),
    },
    'a timeout is taken for a refusal': {
      receives: (receiver) => async (message, call) => {
        const received = await receiver(message, call);
        return received.kind === 'may_have_acted' ? refused('timeout', 'It took too long.') : received;
      },
    },
    'a person’s word is written without asking whether the message is dead': {
      mutate: transactions((items) =>
        items.map((item) =>
          item.Update?.ConditionExpression?.includes('#status = :dead') === true
            ? edited(item, (part) => condition(part, 'attribute_exists(pk)'))
            : item,
        ),
      ),
    },
  },
);

guarantee<AnswerBuild>(
  'G19 uncertain is never guessed',
  async (build) => [
    ...(await alone({ call: 'charge', event: 'it acts, and its answer is lost' }, build)),
    ...(await alone({ call: 'charge', event: 'the call arrives late' }, build)),
  ],
  {
    'a call that may have acted is made again': {
      mutate: without(
        '#attempts = #attempts + :one',
        '(attribute_not_exists(#onUncertain) OR attribute_not_exists(#unsettled) OR #unsettled = :zero)',
      ),
    },
    'a call that may have acted counts as one that did not': {
      mutate: updates(retried, (input) => ({
        ...input,
        UpdateExpression: String(input['UpdateExpression']).replace(
          'REMOVE #leaseToken',
          'REMOVE #leaseToken, #unsettled',
        ),
        ExpressionAttributeNames: {
          ...(input['ExpressionAttributeNames'] as object),
          '#unsettled': 'unsettled',
        },
      })),
    },
    'a receiver that has never seen it is believed while the call is on its way': {
      mutate: updates(retried, (input) => valuesOf(input, { ':calls': [] })),
    },
  },
);

guarantee<AnswerBuild>('G11 no stale overwrite, where messages ask for their order', secondFirst, {
  'a worker does not see the messages before its own': {
    mutate: calls('QueryCommand', (input) =>
      String(input['KeyConditionExpression']).includes('sk < :sk') ? valuesOf(input, { ':sk': ' ' }) : input,
    ),
  },
});

test('a late call is on its way for less than it is waited for', () => {
  expect(lateByMs).toBeLessThan(uncertainty.onItsWayMs);
});
