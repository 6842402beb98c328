/** What a record of the stream shows. */
import type { DynamoDBRecord } from 'aws-lambda';
import { expect, test } from 'vitest';
import { newImage, oldImage } from '../../functions/outbox/stream-images.ts';

const record = (dynamodb: unknown): DynamoDBRecord => ({ dynamodb }) as DynamoDBRecord;

test('a record shows an item as it was, and as it became', () => {
  const changed = record({ OldImage: { n: { N: '1' } }, NewImage: { n: { N: '2' } } });
  expect([oldImage(changed), newImage(changed)]).toEqual([{ n: 1 }, { n: 2 }]);
});

test.each([undefined, {}, { NewImage: null }, { NewImage: 5 }, { NewImage: { n: { unheard: 'of' } } }])(
  'a record of %j shows nothing',
  (dynamodb) => {
    expect(newImage(record(dynamodb))).toBeUndefined();
    expect(oldImage(record(dynamodb))).toBeUndefined();
  },
);
