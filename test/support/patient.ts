/** Callers who wait: a crowd on a busy machine may not all be served within one request's time. */
import { randomUUID } from 'node:crypto';
import type { Reply } from './backend.ts';

/** For tests of answers, not of timeouts: the database is waited for. */
export const patientClient = { requestHandler: { connectionTimeout: 8_000, requestTimeout: 8_000 } };

/** Sends one command until it is decided: whoever is told 503 asks again with the same key. */
export async function decided(send: (key: string) => Promise<Reply>): Promise<Reply> {
  const key = randomUUID();
  for (;;) {
    const reply = await send(key);
    if (reply.status !== 503) return reply;
  }
}
