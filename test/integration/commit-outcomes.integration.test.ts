/** What a transaction that the database refused, or did not answer, is said to have come to. */
import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import { DynamoDBServiceException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../functions/store/store.ts';
import { commit } from '../../functions/store/transaction/commit.ts';
import type { CommitOutcome } from '../../functions/store/transaction/commit.ts';
import type { Label, LabelledItem } from '../../functions/store/transaction/labelled-item.ts';
import { putRecord } from '../../functions/store/transaction/put-record.ts';
import { readRecord } from '../../functions/store/transaction/read-record.ts';
import { startedAt } from '../support/given.ts';
import { intercept } from '../support/sdk-faults.ts';
import { earn, anotherClient, signal, begun, sentDecisions } from '../support/sent-decisions.ts';

const { at, recordUnder, itemsOf, guard, send, done, read, put, created } = sentDecisions();

describe('a cancellation', () => {
  interface Reason {
    readonly Code?: string;
    readonly Item?: Record<string, unknown>;
  }
  const none: Reason = { Code: 'None' };
  /** What is said of a transaction that the database refused for these reasons, one an item. */
  const said = (reasons: readonly Reason[] | undefined, attempts?: number): Promise<CommitOutcome> => {
    const client = anotherClient();
    intercept(client, {
      before: () => {
        throw new TransactionCanceledException({
          message: 'cancelled',
          $metadata: { httpStatusCode: 400, ...(attempts !== undefined && { attempts }) },
          ...(reasons && { CancellationReasons: reasons as CancellationReason[] }),
        });
      },
    });
    return send(begun('point-accounts', { owner: 'ada' }).creation, { through: { ...at.store, client } });
  };

  test('by a conflict tells whether a duplicate of the command is running', async () => {
    const conflict = { Code: 'TransactionConflict' };
    expect(await said([conflict, none, none])).toEqual({ kind: 'conflict', isKeyBusy: true });
    expect(await said([none, conflict, none])).toEqual({ kind: 'conflict', isKeyBusy: false });
    expect(await said([{}, conflict, {}])).toEqual({ kind: 'conflict', isKeyBusy: false });
    expect(await said(undefined)).toEqual({ kind: 'conflict', isKeyBusy: false });
  });

  test.each(['ProvisionedThroughputExceeded', 'ThrottlingError'])('by %s wrote nothing', async (Code) => {
    expect(await said([{ Code }, none, none])).toEqual({ kind: 'throttled' });
    expect(await said([{ Code }, none, none], 2)).toEqual({ kind: 'unknown' });
    const conflict = { Code: 'TransactionConflict' };
    expect(await said([{ Code }, conflict, none])).toEqual({ kind: 'conflict', isKeyBusy: false });
  });

  test('of what was sent twice may have met its own first attempt', async () => {
    const conflict = [none, { Code: 'TransactionConflict' }, none];
    expect(await said(conflict, 1)).toMatchObject({ kind: 'conflict' });
    expect(await said(conflict, 2)).toEqual({ kind: 'unknown' });
    // Where it met that, it is told of it.
    const met = { Code: 'ConditionalCheckFailed', Item: { ...recordUnder('k') } };
    const duplicate = { kind: 'duplicate', record: recordUnder('k') };
    expect(await said([met, none, none], 2)).toEqual(duplicate);
    expect(await said([{ ...met, Item: marshall(met.Item) }, none, none], 2)).toEqual(duplicate);
  });

  test.each([
    [[{ Code: 'ValidationError' }, none, none], 'idempotency record: ValidationError'],
    [
      [none, none, { Code: 'ItemCollectionSizeLimitExceeded' }],
      'ledger entry: ItemCollectionSizeLimitExceeded',
    ],
    [
      [none, { Code: 'TransactionConflict' }, { Code: 'ConditionalCheckFailed' }],
      'ledger entry: ConditionalCheckFailed',
    ],
    [[{ Code: 'ConditionalCheckFailed' }, none, none], 'idempotency record: ConditionalCheckFailed'],
  ])('by %j is a defect', async (reasons, words) => {
    await expect(said(reasons)).rejects.toThrow(words);
  });

  const hold = { constraint: 'x', hash: 'x', entity: 'x' };
  test.each<Label>([
    ...(['redrive run', 'redrive list', 'operation', 'lock', 'unchanged entity'] as const).map((purpose) => ({
      purpose,
    })),
    { purpose: 'released value', hold },
    { purpose: 'message', topic: 'llm' },
  ])('by the condition of what nobody else can have written is a defect: $purpose', async (label) => {
    const { purpose } = label;
    const Put = {
      TableName: at.store.tables.data,
      Item: { pk: at.tenant, sk: purpose },
      ConditionExpression: 'attribute_exists(pk)',
    };
    const written: LabelledItem = { label, item: { Put } };
    await expect(commit(at.store, [written], signal)).rejects.toThrow(`${purpose}: ConditionalCheckFailed`);
  });

  test('by a message that ended, or has another answer, says so', async () => {
    const Update = {
      TableName: at.store.tables.outbox,
      Key: { pk: at.tenant, sk: 'x' },
      UpdateExpression: 'SET done = :done',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':done': true },
    };
    const end: LabelledItem = { label: { purpose: 'message end' }, item: { Update } };
    const account = await created('point-accounts', { owner: 'ada' });
    await done(account.when('earn', earn).decision());
    const late = itemsOf(account.when('earn', earn).decision());
    expect(await commit(at.store, [end, ...late], signal)).toEqual({ kind: 'ended' });
  });

  test('by the redrive run of the same match names it', async () => {
    await put({ pk: at.tenant, sk: 'match' }, { run: 'rdr_1' });
    const Put = {
      TableName: at.store.tables.data,
      Item: { pk: at.tenant, sk: 'match', run: 'rdr_2' },
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const match: LabelledItem = { label: { purpose: 'redrive match' }, item: { Put } };
    expect(await commit(at.store, [match], signal)).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'redrive_running', members: { run: 'rdr_1' } },
    });
  });
});

describe('without an answer', () => {
  const failing = (error: Error): Store => {
    const client = anotherClient();
    intercept(client, {
      before: () => {
        throw error;
      },
    });
    return { ...at.store, client };
  };
  const gone = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const wrong = new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    message: 'wrong',
    $metadata: { httpStatusCode: 400 },
  });
  const conflict = (...codes: readonly string[]) =>
    new TransactionCanceledException({
      message: 'cancelled',
      $metadata: { httpStatusCode: 400 },
      CancellationReasons: codes.map((Code) => ({ Code })),
    });

  test('a commit may have happened; a request that makes no sense has not', async () => {
    const { creation } = begun('point-accounts', { owner: 'ada' });
    expect(await send(creation, { through: failing(gone) })).toEqual({ kind: 'unknown' });
    await expect(send(creation, { through: failing(wrong) })).rejects.toBe(wrong);
  });

  test('a key’s record is not known; while a transaction is at it, it is busy', async () => {
    const look = (through: Store) => readRecord(through, 'pk', startedAt, signal);
    await expect(look(failing(gone))).rejects.toBe(gone);
    expect(await look(failing(conflict('TransactionConflict')))).toEqual({ kind: 'busy' });
    expect(await look(failing(conflict('None', 'TransactionConflict')))).toEqual({ kind: 'busy' });
    const short = conflict('ThrottlingError');
    await expect(look(failing(short))).rejects.toBe(short);
    await expect(putRecord(failing(gone), recordUnder('k'), startedAt, signal)).rejects.toBe(gone);
  });

  test('nothing is waited for after the deadline', async () => {
    const over = AbortSignal.abort();
    const { creation, id } = begun('point-accounts', { owner: 'ada' });
    expect(await commit(at.store, [guard(), ...itemsOf(creation)], over)).toEqual({ kind: 'unknown' });
    expect(await read(id)).toBeUndefined();
    await expect(readRecord(at.store, 'pk', startedAt, over)).rejects.toThrow();
    await expect(putRecord(at.store, recordUnder('k'), startedAt, over)).rejects.toThrow();
    expect(await readRecord(at.store, recordUnder('k').pk, startedAt, signal)).toEqual({ kind: 'none' });
  });

  test('who watches the calls is told of a transaction before it is sent', async () => {
    const { creation } = begun('point-accounts', { owner: 'ada' });
    const told: string[][] = [];
    const through: Store = {
      ...failing(gone),
      onTransaction: (items) => told.push(items.map(({ label }) => label.purpose)),
    };
    await send(creation, { through });
    expect(told).toEqual([['idempotency record', 'entity', 'ledger entry']]);
  });
});
