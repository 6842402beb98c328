/**
 * The definitions that a store was last used with, as one item: their versions, which a function compares at its first
 * call, and their snapshots, compressed, since they take tens of kilobytes as text and a few so. No tenant's partition.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ItemKey } from './keys.ts';
import type { Store } from './store.ts';

/** A definition as a later version of the code compares itself with it. */
export interface Versioned {
  readonly collection: string;
  readonly version: number;
  readonly states: readonly string[];
  /** Those of earlier versions, in which entities may still be. */
  readonly formerStates: readonly string[];
}

export interface LiveDefinitions<Snapshot extends Versioned> {
  /** 0 before the first write. */
  readonly revision: number;
  /** By collection. */
  readonly versions: Readonly<Record<string, number>>;
  readonly snapshots: () => readonly Snapshot[];
}

const key: ItemKey = { pk: '#definitions', sk: 'live' };

/** What was never written has no definitions. Read consistently: a function that begins must not miss who was before it. */
export async function readLiveDefinitions<Snapshot extends Versioned>({
  client,
  tables,
}: Store): Promise<LiveDefinitions<Snapshot>> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.data, Key: { ...key }, ConsistentRead: true }),
  );
  if (!Item) return { revision: 0, versions: {}, snapshots: () => [] };
  const { revision, versions, snapshots } = Item as {
    readonly revision: number;
    readonly versions: Record<string, number>;
    readonly snapshots: Uint8Array;
  };
  return {
    revision,
    versions,
    snapshots: () => JSON.parse(gunzipSync(snapshots).toString()) as Snapshot[],
  };
}

/** @returns whether it was written; not where another one wrote since `revision` was read */
export async function writeLiveDefinitions(
  { client, tables }: Store,
  revision: number,
  snapshots: readonly Versioned[],
): Promise<boolean> {
  try {
    await client.send(
      new PutCommand({
        TableName: tables.data,
        Item: {
          ...key,
          revision: revision + 1,
          versions: Object.fromEntries(snapshots.map(({ collection, version }) => [collection, version])),
          snapshots: gzipSync(JSON.stringify(snapshots)),
        },
        // Wins over another function that read the same and writes later.
        ConditionExpression: revision === 0 ? 'attribute_not_exists(pk)' : 'revision = :revision',
        ...(revision > 0 && { ExpressionAttributeValues: { ':revision': revision } }),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
