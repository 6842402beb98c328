/**
 * Each condition of the delivery path and the race it wins. A race is told twice: with the build as it is, which wins it,
 * and with one that lacks the clause, which must be seen to lose it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { lease } from '../../functions/runtime/delivery-limits.ts';
import type { LastError, MessageItem } from '../../functions/store/outbox/message-items.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import { clause } from '../../functions/store/outbox/message-writes.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import {
  claimMessage,
  readMessage,
  recordDead,
  recordRetry,
  recordSent,
  recordWaiting,
  redriveMessage,
} from '../../functions/store/outbox/messages.ts';
import type { Claim, DeadEnd } from '../../functions/store/outbox/messages.ts';
import { calls, condition } from '../support/faults/mutants.ts';
import { deliveryOf } from '../support/messages.ts';
import { startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
const opened: DynamoDBDocumentClient[] = [];
beforeAll(async () => {
  outbox = await startOutbox();
});
afterEach(() => {
  for (const client of opened.splice(0)) client.destroy();
});
afterAll(async () => {
  await outbox.stop();
});
/** Each race has its message, and its own clients: some of them are told what to do meanwhile. */
const ownAccess = (): OutboxAccess => {
  const client = outbox.anotherClient();
  opened.push(client);
  return { ...outbox.access, client };
};

const terms = { attempts: 5, leaseMs: lease.marginMs };
const error: LastError = { code: '500', reason: 'It answered 500.', at: '2026-11-20T10:15:30.123Z' };

/** A race: what happens, by whom; whether it was won. `build` is whose writes may lack a clause. */
type Race = (build: OutboxAccess) => Promise<boolean>;

/** @param mark of the update that the clause is taken from */
function wins(name: string, text: string, mark: string, race: Race): void {
  describe(name, () => {
    test('is won', async () => {
      expect(await race(ownAccess())).toBe(true);
    });
    test('is lost without the clause', async () => {
      const build = ownAccess();
      let isBroken = false;
      calls('UpdateItemCommand', (input) => {
        const { UpdateExpression, ConditionExpression } = input as Record<string, string>;
        if (UpdateExpression?.includes(mark) !== true || ConditionExpression?.includes(text) !== true)
          return input;
        isBroken = true;
        const rest = ConditionExpression.replace(text, '')
          .replace(/ AND {2}AND /, ' AND ')
          .replace(/^ AND | AND $/, '');
        return condition(input, rest === '' ? 'attribute_exists(pk)' : rest);
      })(build.client);
      expect(await race(build)).toBe(false);
      expect(isBroken).toBe(true);
    });
  });
}

async function claimed(access: OutboxAccess, item: MessageItem): Promise<Claim & { kind: 'claimed' }> {
  const claim = await claimMessage(access, deliveryOf(item), terms);
  if (claim.kind !== 'claimed') throw new Error(`the message is ${claim.kind}`);
  return claim;
}
const afterTheLease = (): void => {
  outbox.clock.ahead(terms.leaseMs + 1);
};
const isAsBefore = async (before: MessageItem, act: () => Promise<unknown>): Promise<boolean> => {
  const stored = await outbox.read(before);
  await act();
  return isDeepStrictEqual(await outbox.read(before), stored);
};
const end = (item: MessageItem): DeadEnd => ({
  lastError: error,
  calls: [],
  delivered: deliveryOf(item),
  isCertain: false,
});
const failed = { lastError: error, calls: [], notBefore: 0, isCertain: false };
const recordDone = (access: OutboxAccess, item: MessageItem, result: string): Promise<unknown> =>
  takeAnswer(access, item, {
    answer: { outcome: 'done', by: 'receiver:external-call', at: timestamp(outbox.clock.now()), result },
    from: 'worker',
  });
async function died(item: MessageItem): Promise<void> {
  const held = await claimed(outbox.access, item);
  await recordDead(outbox.access, held, end(item));
}
/** Something that happens after the first write of a client, and before the next. */
function between(access: OutboxAccess, event: () => Promise<unknown>): void {
  let count = 0;
  intercept(access.client, {
    before: async ({ command }) => {
      if (command !== 'UpdateCommand' && command !== 'UpdateItemCommand') return;
      count += 1;
      if (count === 2) await event();
    },
  });
}
const exhaustedItem = async (): Promise<MessageItem> => {
  const item = await outbox.put();
  for (let attempt = 0; attempt < terms.attempts; attempt += 1) {
    await claimed(outbox.access, item);
    afterTheLease();
  }
  return item;
};

const sent = 'SET #status = :sent, #sentAt = :at';
const claim = '#attempts = #attempts + :one';
const takeToBury = 'SET #status = :sent, #leaseUntil = :until, #leaseToken = :token';
const takeToAsk = 'SET #leaseUntil = :until, #leaseToken = :token';
const retry = '#lastError = :error, #calls = :calls, #leaseUntil = :until';
const dead = '#status = :dead';
const redrive = '#redrivenAt = :at';

wins('a worker that ended the message before the sweeper marked it', clause.open, sent, async (build) => {
  const item = await outbox.put();
  await died(item);
  return isAsBefore(item, () => recordSent(build, item));
});

wins('a redrive that came before the mark of the run before', clause.thisRun, sent, async (build) => {
  const item = await outbox.put();
  await died(item);
  await redriveMessage(outbox.access, item);
  return isAsBefore(item, () => recordSent(build, item));
});

wins('a delivery of a message that is over', clause.open, claim, async (build) => {
  const item = await outbox.put();
  await died(item);
  return isAsBefore(item, () => claimMessage(build, deliveryOf(item), terms));
});

wins('a delivery of a run that is over', clause.thisRun, claim, async (build) => {
  const item = await outbox.put();
  await died(item);
  await redriveMessage(outbox.access, item);
  return isAsBefore(item, () => claimMessage(build, deliveryOf(item), terms));
});

wins('a delivery while a call is going on', clause.free, claim, async (build) => {
  const item = await outbox.put();
  await claimed(outbox.access, item);
  return isAsBefore(item, () => claimMessage(build, deliveryOf(item), terms));
});

wins('a message that kills its worker each time', clause.attemptLeft, claim, async (build) => {
  const item = await exhaustedItem();
  return (await claimMessage(build, deliveryOf(item), terms)).kind === 'exhausted';
});

wins(
  'a late success between two looks at a message without attempts',
  clause.open,
  takeToBury,
  async (build) => {
    const item = await exhaustedItem();
    between(build, async () => recordDone(outbox.access, item, '{}'));
    return (await claimMessage(build, deliveryOf(item), terms)).kind === 'done';
  },
);

wins(
  'a redrive between two looks at a message without attempts',
  clause.thisRun,
  takeToBury,
  async (build) => {
    const item = await exhaustedItem();
    between(build, async () => {
      const other = ownAccess();
      const buried = await claimMessage(other, deliveryOf(item), terms);
      if (buried.kind !== 'exhausted') throw new Error(`the message is ${buried.kind}`);
      await recordDead(other, buried, end(item));
      await redriveMessage(other, item);
    });
    return (await claimMessage(build, deliveryOf(item), terms)).kind === 'stale';
  },
);

wins('a callback between two looks at a message that waited', clause.waiting, takeToAsk, async (build) => {
  const item = await outbox.put();
  const until = outbox.clock.now() + 1;
  await recordWaiting(outbox.access, await claimed(outbox.access, item), { calls: [], until });
  outbox.clock.ahead(1);
  between(build, async () => recordDone(outbox.access, item, '{}'));
  return (await claimMessage(build, deliveryOf(item), terms)).kind === 'done';
});

wins('two workers that find no attempt left at once', clause.free, takeToBury, async (build) => {
  const item = await exhaustedItem();
  between(build, () => claimMessage(ownAccess(), deliveryOf(item), terms));
  return (await claimMessage(build, deliveryOf(item), terms)).kind === 'notYet';
});

wins('a second success', '#status <> :done', '#result = :result', async (build) => {
  const item = await outbox.put();
  await recordDone(outbox.access, item, '{"call":1}');
  return isAsBefore(item, () => recordDone(build, item, '{"call":2}'));
});

wins(
  'a success of a message that is gone',
  'attribute_exists(pk) AND ',
  '#result = :result',
  async (build) => {
    const item = outbox.made();
    await recordDone(build, item, '{}');
    return (await readMessage(outbox.access, item)) === undefined;
  },
);

wins('a failure that comes after another worker took over', clause.holder, retry, async (build) => {
  const item = await outbox.put();
  const held = await claimed(outbox.access, item);
  afterTheLease();
  await claimed(outbox.access, item);
  return isAsBefore(item, () => recordRetry(build, held, failed));
});

wins('a failure that comes after the message was done', clause.holder, retry, async (build) => {
  const item = await outbox.put();
  const held = await claimed(outbox.access, item);
  await recordDone(outbox.access, item, '{}');
  return isAsBefore(item, () => recordRetry(build, held, failed));
});

wins('an end that comes after another worker took over', clause.holder, dead, async (build) => {
  const item = await outbox.put();
  const held = await claimed(outbox.access, item);
  afterTheLease();
  await claimed(outbox.access, item);
  return isAsBefore(item, () => recordDead(build, held, end(item)));
});

wins('an end that comes after the message was done', clause.holder, dead, async (build) => {
  const item = await outbox.put();
  const held = await claimed(outbox.access, item);
  await recordDone(outbox.access, item, '{}');
  return isAsBefore(item, () => recordDead(build, held, end(item)));
});

wins('two redrives at once', clause.dead, redrive, async (build) => {
  const item = await outbox.put();
  await died(item);
  await redriveMessage(build, item);
  await redriveMessage(build, item);
  return (await outbox.read(item)).run === 2;
});

wins('a dead letter of a run before that is moved back', clause.thisRun, redrive, async (build) => {
  const item = await outbox.put();
  await died(item);
  await redriveMessage(outbox.access, item);
  await died(await outbox.read(item));
  return isAsBefore(item, () => redriveMessage(build, item, { run: item.run }));
});

describe('a lease that was taken in a write whose answer was lost', () => {
  /** What the client repeats by itself is refused by the lease that its first try took. */
  const losing = (): OutboxAccess => {
    const access = ownAccess();
    loseFirstAnswer(access.client, 'UpdateItemCommand');
    return access;
  };

  test('is ours, and no second attempt', async () => {
    const item = await outbox.put();
    const { item: held, token } = await claimed(losing(), item);
    expect(held).toEqual(await outbox.read(item));
    expect(held).toMatchObject({ attempts: 1, leaseToken: token });
  });

  test('is ours where it buries', async () => {
    const item = await exhaustedItem();
    const access = ownAccess();
    // The claim itself is refused, and answered.
    between(access, () => {
      loseFirstAnswer(access.client, 'UpdateItemCommand');
      return Promise.resolve();
    });
    const taken = await claimMessage(access, deliveryOf(item), terms);
    expect(taken).toEqual({
      kind: 'exhausted',
      item: await outbox.read(item),
      token: expect.any(String) as string,
    });
  });

  test('is another worker’s where the token is', async () => {
    const item = await outbox.put();
    await claimed(outbox.access, item);
    expect(await claimMessage(losing(), deliveryOf(item), terms)).toMatchObject({ kind: 'notYet' });
  });
});

describe('a write ends with the time that there is', () => {
  /** Nothing is sent before the time is over. */
  const late = (access: Partial<OutboxAccess>): OutboxAccess => {
    const own = ownAccess();
    intercept(own.client, { before: () => sleep(50) });
    return { ...own, ...access };
  };
  const deadline = { signal: AbortSignal.abort(), remainingMs: () => 0 };

  test.each([
    ['a request’s', { deadline }],
    ['a request’s, whatever a worker’s call may take', { deadline, callMaxMs: 60_000 }],
    ['a worker’s call’s', { callMaxMs: 1 }],
  ])('%s', async (_whose, time) => {
    const item = await outbox.put();
    const isSame = await isAsBefore(item, async () => {
      await expect(claimMessage(late(time), deliveryOf(item), terms)).rejects.toThrow();
    });
    expect(isSame).toBe(true);
  });

  test('and has as long as it takes where nothing bounds it', async () => {
    const item = await outbox.put();
    expect(await claimMessage(late({}), deliveryOf(item), terms)).toMatchObject({ kind: 'claimed' });
  });
});
