/**
 * The payloads the local stack makes, held against those the services send (`events/`): from what a service is
 * given, the local stack makes the very payload in the file, apart from ids of the account it runs in.
 */
import type { APIGatewayProxyEventV2WithJWTAuthorizer, DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { expect, test } from 'vitest';
import { buildHttpEvent, readTarget } from '../../infra/local/http-event.ts';
import { toRecord } from '../../infra/local/sqs-mapping.ts';
import { toStreamRecord } from '../../infra/local/stream-mapping.ts';
import type { WireRecord } from '../../infra/local/stream-records.ts';

const folder = path.join(import.meta.dirname, '../../events');

function eventsOf<T>(source: string): [name: string, event: T][] {
  return readdirSync(path.join(folder, source)).map((name) => [
    name,
    JSON.parse(readFileSync(path.join(folder, source, name), 'utf8')) as T,
  ]);
}

type HttpEvent = APIGatewayProxyEventV2WithJWTAuthorizer;

test.each(eventsOf<HttpEvent>('api-gateway-v2'))('the request of api-gateway-v2/%s', (_name, golden) => {
  const context = golden.requestContext;
  const query = golden.rawQueryString === '' ? '' : `?${golden.rawQueryString}`;
  const url = `${encodeURIComponent(golden.rawPath).replaceAll('%2F', '/')}${query}`;
  const request = {
    method: context.http.method,
    url,
    httpVersion: '1.1',
    rawHeaders: [
      ...Object.entries(golden.headers).flatMap(([name, value]) => [name, value ?? '']),
      ...(golden.cookies ?? []).flatMap((cookie) => ['Cookie', cookie]),
    ],
    socket: { remoteAddress: context.http.sourceIp },
  } as unknown as IncomingMessage;
  const claims = (context as Partial<typeof context>).authorizer?.jwt.claims as
    Record<string, string> | undefined;
  const event = buildHttpEvent(request, {
    routeKey: golden.routeKey,
    parameters: (golden.pathParameters ?? {}) as Record<string, string>,
    path: readTarget(url).path ?? '',
    body: Buffer.from(golden.body ?? '', golden.isBase64Encoded ? 'base64' : 'utf8'),
    requestId: context.requestId,
    accountId: context.accountId,
    now: new Date(context.timeEpoch),
    ...(claims !== undefined && { claims }),
  });
  expect(event).toEqual({ ...golden, requestContext: { ...context, apiId: 'local' } });
});

test.each(eventsOf<SQSEvent>('sqs'))('the messages of sqs/%s', (_name, golden) => {
  for (const record of golden.Records) {
    const message = {
      MessageId: record.messageId,
      ReceiptHandle: record.receiptHandle,
      Body: record.body,
      MD5OfBody: record.md5OfBody,
      Attributes: record.attributes as unknown as Record<string, string>,
      MessageAttributes: Object.fromEntries(
        Object.entries(record.messageAttributes).map(([name, { dataType, stringValue }]) => [
          name,
          { DataType: dataType, StringValue: stringValue },
        ]),
      ),
    };
    expect(toRecord(message, { queueArn: record.eventSourceARN, region: record.awsRegion })).toEqual(record);
  }
});

// What is poisoned there lacks what every change carries, so no reader of a stream could have made it.
const changes = eventsOf<DynamoDBStreamEvent>('dynamodb-stream').filter(
  ([name]) => !name.startsWith('poisoned'),
);

test.each(changes)('the changes of dynamodb-stream/%s', (_name, golden) => {
  for (const record of golden.Records) {
    const change = record.dynamodb;
    // On the wire a time has a fraction.
    const time = (change?.ApproximateCreationDateTime ?? 0) + 0.5;
    const read = { ...record, dynamodb: { ...change, ApproximateCreationDateTime: time } } as WireRecord;
    const source = { streamArn: record.eventSourceARN ?? '', region: record.awsRegion ?? '' };
    expect(toStreamRecord(read, source)).toEqual(record);
  }
});
