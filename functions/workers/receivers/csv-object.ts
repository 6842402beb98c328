/** Receiver of `report`: a CSV object in S3. */
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { stringify } from 'csv-stringify';
import type { MessageItem } from '../../store/outbox/message-items.ts';
import { readPayload, reportPayload } from '../payloads.ts';
import { mayHaveActed, undeliverable } from '../receiver.ts';
import type { Receiver } from '../receiver.ts';

export interface CsvObjectParts {
  readonly s3: S3Client;
  readonly bucket: string;
}

/**
 * Writes a statement once: its key is made of tenant, entity, ledger entry and the message's place in it, so that
 * another attempt writes the same object again, and another message another object.
 */
export function createCsvReceiver({ s3, bucket }: CsvObjectParts): Receiver {
  return async (message, { signal }) => {
    const payload = readPayload(reportPayload, message);
    if (payload === undefined)
      return undeliverable('unreadable_message', 'The payload is not one of a report.');
    const key = reportKey(message);
    // Spreadsheets run what begins with a sign; names come from callers.
    const rows = stringify({ header: true, columns: [...payload.columns], escape_formulas: true });
    const upload = new Upload({
      client: s3,
      params: { Bucket: bucket, Key: key, Body: rows, ContentType: 'text/csv; charset=utf-8' },
    });
    signal.addEventListener('abort', () => void upload.abort());
    try {
      for (const row of payload.rows) rows.write(row);
      rows.end();
      await upload.done();
      return { kind: 'done', result: { bucket, key, rows: payload.rows.length } };
    } catch (error) {
      // Another attempt writes the same object again, so it does not matter which part of this one arrived.
      const code = error instanceof Error ? error.name : 'storage_failed';
      return mayHaveActed(code, 'The report could not be stored.');
    }
  };
}

/** The message's sort key is entry and place. */
export const reportKey = ({ tenant, collection, entity, sk }: MessageItem): string =>
  `${encodeURIComponent(tenant)}/${collection}/${entity}/${sk.replace('#', '-')}.csv`;
