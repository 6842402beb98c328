/** The calculator against DynamoDB Local, on single operations, where the emulator's figures are right. */
import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { AttributeValue, ConsumedCapacity } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import {
  indexEntry,
  indexWriteUnits,
  readUnits,
  writeUnits,
} from '../../functions/store/metering/capacity.ts';
import type { Images } from '../../functions/store/metering/capacity.ts';
import { itemSize } from '../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../functions/store/metering/item-size.ts';
import type { IndexSchema, TableSchema } from '../../functions/store/tables.ts';
import { tableInput } from '../../functions/store/create-tables.ts';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { localCredentials, localRegion } from '../support/loopback.ts';

const schema = {
  partitionKey: 'pk',
  sortKey: 'sk',
  stream: false,
  indexes: [
    { name: 'all', partitionKey: 'g', sortKey: 'h', projection: 'ALL' },
    { name: 'keys', partitionKey: 'g', projection: 'KEYS_ONLY' },
    { name: 'some', partitionKey: 'h', projection: ['a'] },
  ],
} as const satisfies TableSchema;

const TableName = `capacity-${randomUUID()}`;
const runs = 60;
let client: DynamoDBClient;
beforeAll(async () => {
  client = new DynamoDBClient({
    endpoint: inject('dynamodbEndpoint'),
    region: localRegion,
    credentials: localCredentials,
  });
  await client.send(new CreateTableCommand(tableInput(TableName, schema)));
});

/** Decimal numbers as text, of every length and scale the service takes. */
const number = fc
  .tuple(fc.boolean(), fc.stringMatching(/^\d{1,38}$/), fc.integer({ min: -60, max: 60 }))
  .map(([negative, digits, exponent]) => `${negative ? '-' : ''}${digits}e${exponent}`);

const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((S) => ({ S })),
  number.map((N) => ({ N })),
  fc.boolean().map((BOOL) => ({ BOOL })),
  fc.constant({ NULL: true }),
  fc.uint8Array({ maxLength: 40 }).map((B) => ({ B })),
  fc
    .uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 4 })
    .map((SS) => ({ SS })),
);
const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }).map((L) => ({ L })),
    fc.dictionary(fc.stringMatching(/^[a-zé]{1,9}$/), tie('value'), { maxKeys: 4 }).map((M) => ({ M })),
  ),
}));

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const text = fc.constantFrom('x', 'y').map((S) => ({ S }));
/**
 * Both parts of an index's key, or none, as our items have them. Where a write swaps one part for the other, the
 * emulator counts a write to an index that the item is in neither before nor after; the service has no such rule.
 */
const indexKey = fc.oneof(fc.record({ g: text, h: text }), fc.constant({ g: undefined, h: undefined }));

/**
 * Any item, filled up to a size near a boundary of the units, where a byte more or less in the calculation shows.
 */
const item = fc
  .record({
    attributes: fc.dictionary(fc.stringMatching(/^[b-f]{1,6}$/), value, { maxKeys: 5 }),
    group: indexKey,
    a: maybe(value),
    kilobytes: fc.integer({ min: 1, max: 9 }),
    beside: fc.integer({ min: -2, max: 2 }),
  })
  .map(({ attributes, group, a, kilobytes, beside }): WireItem => {
    const present = Object.entries({ ...group, a }).filter(([, of]) => of !== undefined);
    const bare: WireItem = { ...attributes, ...(Object.fromEntries(present) as WireItem), p: { S: '' } };
    const missing = kilobytes * 1024 + beside - itemSize({ ...bare, ...key('x'.repeat(36)) });
    return { ...bare, p: { S: '-'.repeat(Math.max(0, missing)) } };
  });

const key = (id: string): WireItem => ({ pk: { S: id }, sk: { S: 's' } });

/** Units by place: `table` and each index that took some. */
function reported(capacity: ConsumedCapacity | undefined): Record<string, number> {
  const indexes = Object.entries(capacity?.GlobalSecondaryIndexes ?? {});
  const all = [['table', capacity?.Table], ...indexes] as const;
  return Object.fromEntries(
    all.map(([name, used]) => [name, used?.CapacityUnits ?? 0]).filter(([, units]) => units !== 0),
  ) as Record<string, number>;
}

function computed(images: Images): Record<string, number> {
  const indexes = (schema.indexes as readonly IndexSchema[]).map(
    (index) => [index.name, indexWriteUnits(schema, index, images)] as const,
  );
  return Object.fromEntries([
    ['table', writeUnits(images, false)],
    ...indexes.filter(([, units]) => units > 0),
  ]);
}

const ReturnConsumedCapacity = 'INDEXES';
const put = async (Item: WireItem): Promise<ConsumedCapacity | undefined> =>
  (await client.send(new PutItemCommand({ TableName, Item, ReturnConsumedCapacity }))).ConsumedCapacity;

describe('the calculator says what the database says', () => {
  it('of a put, of one over it, and of a delete', async () => {
    await fc.assert(
      fc.asyncProperty(item, item, async (first, second) => {
        const id = key(randomUUID());
        const [before, after] = [
          { ...first, ...id },
          { ...second, ...id },
        ];
        expect(reported(await put(before))).toEqual(computed({ after: before }));
        expect(reported(await put(after))).toEqual(computed({ before, after }));
        const gone = new DeleteItemCommand({ TableName, Key: id, ReturnConsumedCapacity });
        expect(reported((await client.send(gone)).ConsumedCapacity)).toEqual(computed({ before: after }));
        expect(reported((await client.send(gone)).ConsumedCapacity)).toEqual(computed({}));
      }),
      { numRuns: runs },
    );
  });

  it('of an update that sets and removes attributes', async () => {
    const change = fc
      .record({ group: indexKey, a: maybe(value), q: maybe(value) })
      .map(({ group, ...others }) => ({ ...group, ...others }));
    await fc.assert(
      fc.asyncProperty(item, change, async (start, set) => {
        const before = { ...start, ...key(randomUUID()) };
        await put(before);
        const given = Object.entries(set).filter(([, of]) => of !== undefined) as [string, AttributeValue][];
        const gone = Object.keys(set).filter((name) => !given.some(([other]) => other === name));
        const sets = given.map(([name]) => `${name} = :${name}`).join(', ');
        const { ConsumedCapacity, Attributes } = await client.send(
          new UpdateItemCommand({
            TableName,
            Key: { pk: before.pk as AttributeValue, sk: before.sk as AttributeValue },
            UpdateExpression: `${sets && `SET ${sets}`}${gone.length > 0 ? ` REMOVE ${gone.join(', ')}` : ''}`,
            ...(given.length > 0 && {
              ExpressionAttributeValues: Object.fromEntries(given.map(([name, of]) => [`:${name}`, of])),
            }),
            ReturnValues: 'ALL_NEW',
            ReturnConsumedCapacity,
          }),
        );
        expect(reported(ConsumedCapacity)).toEqual(computed({ before, after: Attributes }));
      }),
      { numRuns: runs },
    );
  });

  it('of reads by key, alone and together', async () => {
    await fc.assert(
      fc.asyncProperty(item, item, fc.boolean(), async (one, other, ConsistentRead) => {
        const consistency = ConsistentRead ? 'strong' : 'eventual';
        const items = [one, other].map((each) => ({ ...each, ...key(randomUUID()) }));
        for (const each of items) await put(each);
        const keys = [...items, key('nowhere')].map(
          ({ pk, sk }) => ({ pk, sk }) as Record<string, AttributeValue>,
        );
        const units = [...items.map(itemSize), 0].map((bytes) => readUnits(bytes, consistency));
        for (const [index, Key] of keys.entries()) {
          const get = new GetItemCommand({ TableName, Key, ConsistentRead, ReturnConsumedCapacity });
          expect(reported((await client.send(get)).ConsumedCapacity)).toEqual({ table: units[index] });
        }
        const request = { [TableName]: { Keys: keys, ConsistentRead } };
        const batch = new BatchGetItemCommand({ RequestItems: request, ReturnConsumedCapacity });
        // Here the emulator counts nothing for a key that is not there; the service counts it as a GetItem.
        const total = units.slice(0, -1).reduce((sum, of) => sum + of);
        expect(reported((await client.send(batch)).ConsumedCapacity?.[0])).toEqual({ table: total });
      }),
      { numRuns: runs },
    );
  });

  it('of queries on the table and on an index, with and without a filter', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (items, ConsistentRead) => {
          const pk = { S: randomUUID() };
          const group = { S: `group ${pk.S}` };
          const all: WireItem[] = items.map((each, index) => ({
            ...each,
            pk,
            sk: { S: String(index) },
            g: group,
          }));
          for (const each of all) await put(each);
          const bytes = all.reduce((sum, each) => sum + itemSize(each), 0);
          for (const FilterExpression of [undefined, 'attribute_exists(h)']) {
            const query = new QueryCommand({
              TableName,
              KeyConditionExpression: 'pk = :pk',
              ExpressionAttributeValues: { ':pk': pk },
              ConsistentRead,
              ReturnConsumedCapacity,
              ...(FilterExpression !== undefined && { FilterExpression }),
            });
            const units = readUnits(bytes, ConsistentRead ? 'strong' : 'eventual');
            expect(reported((await client.send(query)).ConsumedCapacity)).toEqual({ table: units });
          }
          const [, keysOnly] = schema.indexes;
          const query = new QueryCommand({
            TableName,
            IndexName: keysOnly.name,
            KeyConditionExpression: 'g = :g',
            ExpressionAttributeValues: { ':g': group },
            ReturnConsumedCapacity,
          });
          const entries = all
            .map((each) => indexEntry(schema, keysOnly, each))
            .filter((entry) => entry !== undefined);
          const read = entries.reduce((sum, each) => sum + itemSize(each), 0);
          expect(reported((await client.send(query)).ConsumedCapacity)).toEqual({
            keys: readUnits(read, 'eventual'),
          });
        },
      ),
      { numRuns: runs / 2 },
    );
  });
});
