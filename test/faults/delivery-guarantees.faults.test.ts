/** G9 to G12, G17 and G21, each by a scenario of its own and by builds that are broken on purpose. */
import { afterEach, beforeEach } from 'vitest';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { mayHaveActed, refused } from '../../functions/workers/receiver.ts';
import { topicPolicies } from '../../functions/runtime/topics.ts';
import type { Violation } from '../support/faults/checker.ts';
import {
  acts,
  clientsOf,
  deliverOnce,
  deliverUntilOver,
  deliveryViolations,
  drain,
  RememberingReceiver,
  relayOf,
  streamOf,
  sweeperOf,
  workerOf,
} from '../support/faults/delivery.ts';
import type { Clients } from '../support/faults/delivery.ts';
import { faultsAt, Injector } from '../support/faults/fault-client.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { calls, condition } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { loseFirstAnswer } from '../support/sdk-faults.ts';

const topic = 'external-call';
let outbox: TestOutbox;
let receiver: RememberingReceiver;
const opened: Clients[] = [];
beforeEach(async () => {
  outbox = await startOutbox({ streams: true });
  receiver = new RememberingReceiver(outbox);
});
afterEach(async () => {
  for (const clients of opened.splice(0)) clients.destroy();
  await outbox.stop();
});

function clients(mutate?: Mutate, injector?: Injector): Clients {
  const made = clientsOf(outbox, {
    sdkRetries: injector === undefined,
    ...(mutate && { mutate }),
    ...(injector && { injector }),
  });
  opened.push(made);
  return made;
}

/** A promise that is kept from outside. */
function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return {
    given,
    give: () => {
      give();
    },
  };
}

/** Where an update does what a text in it says, changes the update. */
const updates = (mark: string, change: (input: Record<string, unknown>) => Record<string, unknown>): Mutate =>
  calls('UpdateItemCommand', (input) =>
    String(input['UpdateExpression']).includes(mark) ? change(input) : input,
  );

/** A write that marks a message as something else, too early. */
const marks = (mark: string, status: string): Mutate =>
  updates(mark, (input) => ({
    ...input,
    UpdateExpression: String(input['UpdateExpression']).replace(
      '#status = :sent',
      '#status = :early, #result = :none',
    ),
    ExpressionAttributeNames: { ...(input['ExpressionAttributeNames'] as object), '#result': 'result' },
    ExpressionAttributeValues: {
      ...(input['ExpressionAttributeValues'] as object),
      ':early': status,
      ':none': '{}',
    },
  }));

guarantee(
  'G9 no message lost',
  async (mutate?: Mutate) => {
    // The relay is off and the worker dies after its claim; then every queue is emptied. The sweeper alone is left.
    const items = await Promise.all([
      outbox.put(),
      outbox.put({ topic: 'llm' }),
      outbox.put({ tenant: 'other' }),
    ]);
    const [first] = items;
    const dying = clients(mutate, new Injector(faultsAt({ 0: 'death after' })));
    await deliverOnce(outbox, topic, dying, receiver.receive, bodyOf(first));
    await sweeperOf(outbox, clients(mutate))({ graceSeconds: 0 });
    await Promise.all([outbox.purge(outbox.queues[topic]), outbox.purge(outbox.queues.llm)]);
    outbox.clock.ahead(10 * 60_000);
    await sweeperOf(outbox, clients(mutate))({});
    await drain(outbox, receiver.receive);
    return deliveryViolations(outbox, receiver);
  },
  {
    'a claim marks its message done': marks('#attempts + :one', 'done'),
    'what the sweeper sent counts as done': marks('SET #status = :sent, #sentAt = :at', 'done'),
    'a claim leaves its message to be sent once more': updates('#attempts + :one', (input) => ({
      ...input,
      UpdateExpression: String(input['UpdateExpression']).replace('#status = :sent', '#status = :pending'),
    })),
  },
);

guarantee(
  'G10 effect once',
  async (mutate?: Mutate) => {
    // The first worker's receiver is slow: its lease runs out, a second one acts, and both record what they got.
    const item = await outbox.put();
    const slow = signal();
    const called = signal();
    receiver.behave = async (message, n) => {
      called.give();
      await slow.given;
      return acts(message, n);
    };
    const [one, other] = [clients(mutate), clients(mutate)];
    const first = deliverOnce(outbox, topic, one, receiver.receive, bodyOf(item));
    await called.given;
    outbox.clock.ahead(60_000);
    receiver.behave = () => ({ kind: 'done', result: { call: 'second' } });
    await deliverOnce(outbox, topic, other, receiver.receive, bodyOf(item));
    slow.give();
    await first;
    await deliverOnce(outbox, topic, other, receiver.receive, bodyOf(item));
    return deliveryViolations(outbox, receiver);
  },
  {
    'a second result takes the place of the first': updates('#result = :result', (input) =>
      condition(input, 'attribute_exists(pk)'),
    ),
  },
);

guarantee(
  'G11 no stale overwrite',
  async (stale?: 'stale') => {
    const older = await outbox.put({ seq: 2 });
    const newer = await outbox.put({ seq: 3, entityId: older.entity });
    receiver.behave = (message, n) =>
      message.id === older.id && n === 1 ? mayHaveActed('500', 'It answered 500.') : acts(message, n);
    const receive: RememberingReceiver['receive'] = (message, signal) =>
      receiver.receive(stale ? { ...message, seq: 1 } : message, signal);
    for (const item of [older, newer, older]) {
      await deliverOnce(outbox, topic, clients(), receive, bodyOf(item));
      outbox.clock.ahead(60_000);
    }
    return deliveryViolations(outbox, receiver);
  },
  { 'messages do not carry the sequence of their entity': 'stale' },
);

guarantee(
  'G12 isolation',
  async (deliver?: (handler: QueueHandler, bodies: readonly string[]) => Promise<unknown>) => {
    const [slow, poisoned, ...good] = await Promise.all(
      ['slow', 'poisoned', 'a', 'b', 'c'].map((tenant) => outbox.put({ tenant })),
    );
    const stuck = signal();
    receiver.behave = async (message, n) => {
      if (message.id === slow?.id) await stuck.given;
      if (message.id === poisoned?.id) throw new Error('poisoned');
      return acts(message, n);
    };
    const handler = workerOf(outbox, topic, receiver.receive, clients());
    const bodies = [
      'not a message',
      ...[slow, poisoned, ...good].flatMap((item) => (item ? [bodyOf(item)] : [])),
    ];
    const all = (deliver ?? ((each, texts) => each(sqsEvent(outbox.queues[topic], ...texts))))(
      handler,
      bodies,
    );
    // The slow one is let go only when the others are through, or clearly are not coming through.
    const deadline = Date.now() + topicPolicies[topic].callTimeoutMs / 2;
    const isThrough = async (): Promise<boolean> =>
      (await Promise.all(good.map((item) => outbox.read(item)))).every(({ status }) => status === 'done');
    while (!(await isThrough()) && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const violations: Violation[] = (await isThrough())
      ? []
      : [{ guarantee: 'G12', what: 'a slow message held up those of other tenants' }];
    stuck.give();
    await all;
    return violations;
  },
  {
    'deliveries of a batch wait for each other': async (handler, bodies) => {
      for (const body of bodies) await handler(sqsEvent(outbox.queues[topic], body));
    },
  },
);

async function deadMessage(): Promise<MessageItem> {
  receiver.behave = () => refused('400', 'It answered 400.');
  const item = await outbox.put();
  await deliverOnce(outbox, topic, clients(), receiver.receive, bodyOf(item));
  receiver.behave = acts;
  return outbox.read(item);
}

guarantee(
  'G17 redrive is safe',
  async (mutate?: Mutate) => {
    const dead = await deadMessage();
    const access = { ...outbox.access, client: clients(mutate).client };
    /** Its dead letter, moved back: the same copy as another queue message. */
    const movedBack = (): Promise<unknown> =>
      workerOf(
        outbox,
        topic,
        receiver.receive,
        clients(mutate),
      )(sqsEvent(outbox.queues[topic], bodyOf(dead)));
    const relayed = async (): Promise<void> => {
      const now = await outbox.read(dead);
      if (now.status !== 'pending') return;
      await relayOf(outbox, outbox)(streamOf(now, now));
      await deliverUntilOver(outbox, now, (body) =>
        deliverOnce(outbox, topic, clients(mutate), receiver.receive, body),
      );
    };
    await Promise.all([redriveMessage(access, dead), movedBack(), redriveMessage(access, dead), movedBack()]);
    await relayed();
    await Promise.all([redriveMessage(access, dead), movedBack()]);
    await relayed();
    await drain(outbox, receiver.receive);
    return deliveryViolations(outbox, receiver, { actsOnce: true });
  },
  {
    'a redrive does not ask whether the message is dead': updates('#redrivenAt = :at', (input) =>
      condition(input, 'attribute_exists(pk)'),
    ),
  },
);

/** What makes the copies of a message one and the same again. */
interface CopiesBuild {
  readonly mutateSends?: Mutate;
  /** The client of relay and sweeper repeats what it heard no answer to. */
  readonly repeats?: true;
}

guarantee(
  'G21 no copy revives the dead',
  async ({ mutateSends, repeats }: CopiesBuild = {}) => {
    receiver.behave = () => refused('400', 'It answered 400.');
    const item = await outbox.put();
    const sending = clientsOf(outbox, { ...(mutateSends && { mutateSends }) });
    const repeating = { ...sending, sender: repeats ? outbox.anotherSqs() : sending.sender };
    opened.push(sending);
    const delivered = new Set<number>();
    /** Each message of the queue once, one after the other: two at once would keep each other waiting. */
    const deliverNew = async (): Promise<void> => {
      for (const [place, body] of (await outbox.look(outbox.queues[topic])).entries()) {
        if (delivered.has(place)) continue;
        delivered.add(place);
        await deliverOnce(outbox, topic, sending, receiver.receive, body);
      }
    };
    // The answer to the first send is lost, so there are two of it.
    loseFirstAnswer(repeating.sender, 'SendMessageBatchCommand');
    await relayOf(outbox, repeating)(streamOf(item));
    await deliverNew();
    // Another record of the batch failed, so the relay is handed the old image again, the sweeper has it from before.
    await relayOf(outbox, repeating)(streamOf(item));
    await deliverNew();
    const { status, run } = await outbox.read(item);
    const isRevived = status !== 'dead' || run !== 1;
    return isRevived ? [{ guarantee: 'G21', what: `${item.id} is ${status} in run ${run}, unasked` }] : [];
  },
  {
    'all copies of a message carry one id': {
      mutateSends: calls('SendMessageBatchCommand', (input) => ({
        ...input,
        Entries: (input['Entries'] as readonly { readonly MessageBody: string }[]).map((entry) => ({
          ...entry,
          MessageBody: JSON.stringify({ ...(JSON.parse(entry.MessageBody) as object), copy: 'one' }),
        })),
      })),
    },
    'a send whose answer was lost is repeated as it was': { repeats: true },
  },
);
