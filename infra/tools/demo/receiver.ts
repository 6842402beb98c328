/** The payment provider of the guided run: a real HTTP receiver that can be taken down and comes back. */
import { startHttpReceiver } from '../../local/receivers/http-receiver.ts';
import type { Receiver } from '../../local/receivers/http-receiver.ts';

export interface Provider extends Receiver {
  /** From now on calls about this entity are answered 503. */
  failFor(entity: string): void;
  recover(): void;
  /** The idempotency keys it saw for an entity, one a call. */
  keysOf(entity: string): readonly string[];
}

export async function startProvider(): Promise<Provider> {
  const failing = new Set<string>();
  const seen: { readonly entity: string; readonly key: string }[] = [];
  const receiver = await startHttpReceiver((request, body, response) => {
    const { entity } = JSON.parse(body.toString()) as { entity: string };
    seen.push({ entity, key: String(request.headers['idempotency-key']) });
    response.writeHead(failing.has(entity) ? 503 : 200, { 'content-type': 'application/json' });
    response.end(failing.has(entity) ? '{"error":"down"}' : '{"accepted":true}');
  });
  return {
    ...receiver,
    failFor: (entity) => void failing.add(entity),
    recover: () => {
      failing.clear();
    },
    keysOf: (entity) => seen.filter((call) => call.entity === entity).map(({ key }) => key),
  };
}
