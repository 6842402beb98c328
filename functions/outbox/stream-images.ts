import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';

/**
 * The image of a stream record as plain data. The stream's and the client's types differ by name alone.
 * @returns `undefined` where there is none, or none that can be read
 */
export function newImage(record: DynamoDBRecord): Record<string, unknown> | undefined {
  return plain(record.dynamodb?.NewImage);
}

export function oldImage(record: DynamoDBRecord): Record<string, unknown> | undefined {
  return plain(record.dynamodb?.OldImage);
}

function plain(image: unknown): Record<string, unknown> | undefined {
  if (typeof image !== 'object' || image === null) return undefined;
  try {
    return unmarshall(image as Record<string, AttributeValue>);
  } catch {
    return undefined;
  }
}
