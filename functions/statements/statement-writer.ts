/** Stream to lines: writes what each committed ledger entry adds to statements of accounts and to lists by attribute. */
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod';
import { linesOf as linesOfEntry } from '../core/lines.ts';
import type { Registry } from '../core/registry.ts';
import { newImage } from '../outbox/stream-images.ts';
import type { Log } from '../runtime/logger.ts';
import { ledgerEntry } from '../store/entities/items.ts';
import type { EntryItem } from '../store/entities/items.ts';
import { entryPrefix, partitionOwner } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { writeLines } from '../store/statements/lines.ts';
import type { OwnedLine } from '../store/statements/lines.ts';
import { lanes, writeWatermark } from '../store/statements/watermark.ts';

export interface StatementWriterParts {
  readonly registry: Registry;
  readonly store: Pick<Store, 'client'> & { readonly tables: Pick<Store['tables'], 'data'> };
  readonly log: Log;
}

export type StatementWriter = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

const heartbeat = z.object({
  lane: z
    .int()
    .min(0)
    .max(lanes - 1),
  beatAt: z.int().nonnegative(),
});

/**
 * First the lines, then the watermark, so that it never passes what is not written. A write that fails throws: the
 * stream hands the batch out again, and what was written already is written again as it was. A record that cannot be
 * read is passed over, because it would hold up its shard; what it tells of is found by the audit.
 */
export function createStatementWriter({ registry, store, log }: StatementWriterParts): StatementWriter {
  function linesOf({ eventName, dynamodb }: DynamoDBRecord, image: Record<string, unknown>): OwnedLine[] {
    // Entries are never changed. Who changes one behind the backend does not change the statement with it.
    if (eventName !== 'INSERT' || !String(image['sk']).startsWith(entryPrefix)) return [];
    try {
      const owner = partitionOwner(String(image['pk']));
      if (!owner) throw new Error('it belongs to no entity');
      const { tenant, id } = owner;
      const lines = linesOfEntry(registry, id, ledgerEntry(image as unknown as EntryItem));
      return lines.map((line) => ({ ...line, tenant }));
    } catch (error) {
      log.error('stream record without a readable entry', {
        sequenceNumber: dynamodb?.SequenceNumber,
        error: error as Error,
      });
      return [];
    }
  }

  return async ({ Records }) => {
    const images = Records.flatMap((record) => {
      const image = newImage(record);
      return image === undefined ? [] : [{ record, image }];
    });
    await writeLines(
      store,
      images.flatMap(({ record, image }) => linesOf(record, image)),
    );
    const beats = images.flatMap(({ image }) => heartbeat.safeParse(image).data ?? []);
    await writeWatermark(store.client, store.tables.data, beats);
    return { batchItemFailures: [] };
  };
}
