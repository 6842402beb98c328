import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Log } from './log.ts';

/**
 * Makes the template's buckets on a server of the caller's. The built-in object store needs none made, and a server
 * without S3 is no reason not to start: only reports would fail, and their messages say so.
 */
export async function provideBuckets(
  names: readonly string[],
  connection: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  },
  log: Log,
): Promise<void> {
  const client = new S3Client({ ...connection, forcePathStyle: true });
  for (const name of names) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    } catch (error) {
      if (!(error instanceof Error && error.name.startsWith('BucketAlready'))) {
        log('stack', `bucket ${name} was not made: ${String(error)}`);
      }
    }
  }
  client.destroy();
}
