import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { database } from '../../functions/runtime/delivery-limits.ts';
import { createDocumentClient } from '../../functions/store/client.ts';

test('the time of a request does not run while it waits for a connection', async () => {
  const requestTimeoutMs = 3_000;
  // Each request is answered in half of its time. So the third on a connection has waited for as long as one may take.
  const inTurn = 3;
  let atOnce = 0;
  const counts: number[] = [];
  const server = createServer((request, response) => {
    request.resume();
    counts.push((atOnce += 1));
    setTimeout(() => {
      atOnce -= 1;
      response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}');
    }, requestTimeoutMs / 2);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createDocumentClient(
    {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
    { requestTimeoutMs },
  );
  const requests = database.connectionsMax * inTurn;
  const answers = Array.from({ length: requests }, () =>
    client.send(new GetCommand({ TableName: 'any', Key: { pk: 'any' } })),
  );
  expect(await Promise.all(answers)).toHaveLength(requests);
  // None was sent twice, and no more at once than there are connections.
  expect([counts.length, Math.max(...counts)]).toEqual([requests, database.connectionsMax]);
  client.destroy();
  server.close();
});
