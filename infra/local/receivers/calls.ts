import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../log.ts';
import { sendJson, startHttpReceiver, type Receiver } from './http-receiver.ts';

/**
 * Receives the calls of the external-call worker: answers 200 to any POST, keeps each as a JSON file in the folder,
 * and lists them all at `GET /`.
 */
export async function startCallReceiver(folder: string, log: Log): Promise<Receiver> {
  await mkdir(folder, { recursive: true });
  return await startHttpReceiver(async (request, body, response) => {
    if (request.method === 'GET') {
      const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
      const calls = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
      sendJson(response, 200, { calls: calls.map((call) => JSON.parse(call) as unknown) });
      return;
    }
    const receivedAt = new Date().toISOString();
    const id = randomUUID();
    const call = {
      receivedAt,
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: body.toString('utf8'),
    };
    await writeFile(
      path.join(folder, `${receivedAt.replaceAll(':', '-')}-${id}.json`),
      JSON.stringify(call, null, 2),
    );
    log(
      'external calls',
      `${String(request.headers['idempotency-key'])} ${body.toString('utf8').slice(0, 500)}`,
    );
    sendJson(response, 200, { received: id });
  });
}
