/** What a message keeps of its death, and what a redrive leaves of it. */
import { randomUUID } from 'node:crypto';
import { TransactionCanceledException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { writeAndRead, writeBeside } from '../../functions/store/outbox/message-writes.ts';
import type { Beside, OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { recordDead, recordSent, redriveMessage } from '../../functions/store/outbox/messages.ts';
import { deliveryOf } from '../support/messages.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';
import {
  time,
  late,
  error,
  call,
  end,
  said,
  standsIn,
  writtenMessages,
} from '../support/written-messages.ts';

const { access, another, made, put, read, held, died } = writtenMessages();

describe('a message that is dead', () => {
  test('keeps why, and the delivery that goes to the dead letters', async () => {
    const item = await put();
    expect(await recordDead(access, late(item), end(item))).toBe(false);
    const holder = await held(item);
    expect(await recordDead(access, holder, end(item))).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({ status: 'dead', lastError: error, calls: [call], unsettled: 1 });
    expect(after).toMatchObject(standsIn(item, 'dead'));
    expect(after.letter).toEqual({ copy: 'copy', sqsMessageId: 'one', diedAt: time.now });
    expect(after.died).toEqual({ code: error.code, at: time.now });
    for (const gone of ['leaseUntil', 'leaseToken', 'waitingUntil', 'openPk', 'answer'])
      expect(after).not.toHaveProperty(gone);
  });

  test('by its receiver’s own word keeps that, and is not in doubt', async () => {
    const answer = said('refused');
    expect(await died({}, { answer, isCertain: true })).toMatchObject({ answer, unsettled: 0 });
  });

  test('of a reference without a copy, that lay among the dead letters before, keeps just that', async () => {
    const item = await put();
    const from = { ...deliveryOf(item), copy: undefined, wasDeadLetter: true };
    await recordDead(access, await held(item), end(item, { delivered: from }));
    expect((await read(item)).letter).toEqual({ sqsMessageId: 'one', wasDeadLetter: true, diedAt: time.now });
  });
});

describe('a redrive', () => {
  const besideIt = (pk: string, condition = 'attribute_not_exists(pk)'): Beside => [
    { Put: { TableName: access.table, Item: { pk, sk: 'beside' }, ConditionExpression: condition } },
  ];
  const isBeside = async (pk: string): Promise<boolean> =>
    (await access.client.send(new GetCommand({ TableName: access.table, Key: { pk, sk: 'beside' } })))
      .Item !== undefined;

  test('begins the next run, with all that the last one left taken away', async () => {
    const item = await died({}, { answer: said('refused') });
    time.now += 50;
    expect(await redriveMessage(access, item)).toBe('redriven');
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'pending', run: 2, attempts: 0, unsettled: 1, redrivenAt: timestamp(time.now) },
      ...standsIn(item, 'open'),
    });
    for (const gone of ['letter', 'died', 'sentAt', 'answer', 'closedPk', 'redrivenBy', 'leaseUntil'])
      expect(after).not.toHaveProperty(gone);
    time.now += 1;
    expect(await redriveMessage(access, item)).toBe('not_dead');
  });

  test('of a run is of that run, and says which redrive run it belongs to', async () => {
    const item = await died();
    expect(await redriveMessage(access, item, { run: 2 })).toBe('not_dead');
    expect(await redriveMessage(access, item, { run: 1, by: 'rdr_1' })).toBe('redriven');
    expect(await read(item)).toMatchObject({ run: 2, redrivenBy: 'rdr_1' });
    time.now += 1;
    expect(await redriveMessage(access, item, { run: 2 })).toBe('not_dead');
  });

  test('of what may have acted and must not be called again is none', async () => {
    const item = await died({ onUncertain: 'hold' });
    expect(await redriveMessage(access, item)).toBe('held');
    expect(await redriveMessage(access, item, { run: 1 })).toBe('held');
    expect(await redriveMessage(access, item, { run: 7 })).toBe('not_dead');
    const certain = await died({ onUncertain: 'hold' }, { isCertain: true });
    expect(await redriveMessage(access, certain)).toBe('redriven');
  });

  test('whose answer was lost is found to be our own; another one’s is not', async () => {
    const item = await died();
    const losing = another();
    loseFirstAnswer(losing.client, 'UpdateItemCommand');
    expect(await redriveMessage(losing, item)).toBe('redriven');
    expect(await read(item)).toMatchObject({ run: 2 });
    await recordSent(access, { ...item, run: 2 });
    // Of the same millisecond, and gone on since.
    expect(await redriveMessage(access, item)).toBe('not_dead');
  });

  test('comes with what is written beside it, or not at all', async () => {
    const item = await died();
    const pk = randomUUID();
    expect(await redriveMessage(access, item, { beside: besideIt(pk) })).toBe('redriven');
    expect(await isBeside(pk)).toBe(true);
    expect((await read(item)).run).toBe(2);
    const open = await put();
    const never = randomUUID();
    expect(await redriveMessage(access, open, { beside: besideIt(never) })).toBe('not_dead');
    expect(await redriveMessage(access, made(), { beside: besideIt(never) })).toBe('not_found');
    expect(await isBeside(never)).toBe(false);
    const again = await died();
    await expect(redriveMessage(access, again, { beside: besideIt(pk) })).rejects.toThrow(
      TransactionCanceledException,
    );
    expect(await read(again)).toMatchObject({ status: 'dead', run: 1 });
  });

  test('that meets another write of its message says so, by the name of that', async () => {
    const refusedBy = (Code?: string): OutboxAccess => {
      const build = another();
      intercept(build.client, {
        before: () => {
          throw new TransactionCanceledException({
            message: 'cancelled',
            $metadata: { httpStatusCode: 400 },
            ...(Code !== undefined && { CancellationReasons: [{ Code }] }),
          });
        },
      });
      return build;
    };
    const item = await died();
    const beside = besideIt(randomUUID());
    const conflict = redriveMessage(refusedBy('TransactionConflict'), item, { beside });
    await expect(conflict).rejects.toThrow(TransactionConflictException);
    await expect(conflict).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
    await expect(redriveMessage(refusedBy('ValidationError'), item, { beside })).rejects.toThrow(
      TransactionCanceledException,
    );
    await expect(redriveMessage(refusedBy(), item, { beside })).rejects.toThrow(TransactionCanceledException);
    const gone = another();
    intercept(gone.client, {
      before: () => {
        throw new Error('lost');
      },
    });
    await expect(redriveMessage(gone, item, { beside })).rejects.toThrow('lost');
    await expect(redriveMessage(gone, item)).rejects.toThrow('lost');
  });

  test('is given up with the deadline, beside others, too', async () => {
    const item = await died();
    const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
    const key = { pk: item.pk, sk: item.sk };
    await expect(redriveMessage(over, item, { beside: besideIt(randomUUID()) })).rejects.toThrow();
    expect((await read(item)).run).toBe(1);
    const set = [key, 'SET #status = :sent', '#status = :dead', {}, []] as const;
    expect(await writeBeside(access, ...set)).toEqual({ kind: 'written' });
    expect(await writeAndRead(access, ...set)).toMatchObject({ found: { status: 'sent' } });
    const asked: unknown[] = [];
    const reading = another();
    intercept(reading.client, { before: ({ input }) => void asked.push(input) });
    const back = [key, 'SET #status = :dead', '#status = :sent', {}, []] as const;
    expect(await writeAndRead(reading, ...back)).toEqual({ item: await read(item) });
    expect(asked).toMatchObject([{}, { ConsistentRead: true }]);
  });
});
