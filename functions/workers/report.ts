/** Lambda `report`: statements as CSV objects in S3. */
import { S3Client } from '@aws-sdk/client-s3';
import { readEnvironment } from '../runtime/environment.ts';
import { topicHandler } from './handler-parts.ts';
import { createCsvReceiver } from './receivers/csv-object.ts';

const { REPORT_BUCKET } = readEnvironment(['REPORT_BUCKET']);

/** Servers at an endpoint of their own have no host name for each bucket. */
const ownEndpoint =
  process.env['AWS_ENDPOINT_URL_S3'] !== undefined || process.env['AWS_ENDPOINT_URL'] !== undefined;

export const handler = topicHandler(
  'report',
  createCsvReceiver({
    s3: new S3Client({ maxAttempts: 1, forcePathStyle: ownEndpoint }),
    bucket: REPORT_BUCKET,
  }),
);
