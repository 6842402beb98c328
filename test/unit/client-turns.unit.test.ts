import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { database } from '../../functions/runtime/delivery-limits.ts';
import { createDocumentClient } from '../../functions/store/client.ts';

test('the time of a request does not run while it waits for a connection', async () => {
  const requestTimeoutMs = 1_500;
  const held: ServerResponse[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    held.push(response);
    asked += 1;
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
  const answers = Array.from({ length: database.connectionsMax + 1 }, () =>
    client.send(new GetCommand({ TableName: 'any', Key: { pk: 'any' } })),
  );
  // Twice as long as one may take, in two halves: the last one waits for the first half and is served in the second.
  for (const halves of [1, 2]) {
    await new Promise((resolve) => setTimeout(resolve, requestTimeoutMs * 0.7));
    expect(asked).toBe(halves === 1 ? database.connectionsMax : database.connectionsMax + 1);
    for (const response of held.splice(0)) {
      response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}');
    }
  }
  expect(await Promise.all(answers)).toHaveLength(database.connectionsMax + 1);
  client.destroy();
  server.close();
});
