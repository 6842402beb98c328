/** What the index has of a dead letter: enough to be found by, and little enough to be read by the thousand. */
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect, test } from 'vitest';
import { list } from '../../functions/runtime/delivery-limits.ts';
import { messageShards } from '../../functions/store/outbox/message-items.ts';
import { indexEntry, indexWriteUnits } from '../../functions/store/metering/capacity.ts';
import { itemSize } from '../../functions/store/metering/item-size.ts';
import { outboxTable } from '../../functions/store/tables.ts';
import { deadLetter } from '../support/dead-letters.ts';

const [, closed] = outboxTable.indexes;
const letter = deadLetter({
  tenant: 'a-tenant-with-a-name-of-36-characters',
  topic: 'external-call',
  type: 'payment.capture-by-installments',
  receiver: 'a-receiver-with-a-long-name',
  code: 'receiver_unreachable',
  onUncertain: 'inquire',
});
const item = marshall({
  ...letter,
  unsettled: 1,
  lastError: { ...letter.lastError, reason: 'long '.repeat(200), answer: 'long '.repeat(200) },
});

test('an entry is one write unit, whatever its receiver said', () => {
  expect(indexWriteUnits(outboxTable, closed, { after: item })).toBe(1);
});

test('the largest page fits into one request to each partition', () => {
  const bytes = itemSize(indexEntry(outboxTable, closed, item) ?? {});
  expect(bytes).toBeGreaterThan(200);
  expect((list.entriesPerPageMax / messageShards) * bytes).toBeLessThan(1024 * 1024);
});
