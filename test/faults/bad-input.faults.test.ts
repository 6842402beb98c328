/** G14: whatever comes in by HTTP or by queue is answered 4xx, or becomes a dead letter, and writes nothing. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { domains } from '../../functions/domains/index.ts';
import { startBackend } from '../support/backend.ts';
import type { RequestOptions, TestBackend } from '../support/backend.ts';
import { anyCharacter } from '../support/characters.ts';
import type { Violation } from '../support/faults/checker.ts';
import { RememberingReceiver, workerOf } from '../support/faults/delivery.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { readStore } from '../support/faults/store-image.ts';
import { sqsEvent, startOutbox } from '../support/outbox.ts';

const article = '{"slug":"a","title":"b","body":"c"}';
const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** Bodies of an article's creation, none of which is one. */
const bodies: readonly (string | Uint8Array)[] = [
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '{}',
  deep(10_000),
  `{"slug":${deep(5_000)}}`,
  'x'.repeat(70_000),
  new Uint8Array([0xff, 0xfe, 0x00]),
  new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]),
  article.replace('"a"', '"\\ud800"'),
  article.replace('"a"', '"\\u0000"'),
  article.replace('"a"', 'null'),
  article.replace('"a"', '-0'),
  article.replace('"a"', '9007199254740993'),
  article.replace('}', ',"__proto__":{"admin":true}}'),
  article.replace('}', ',"constructor":{}}'),
  article.replace('}', ',"slug":"twice"}'),
  article.replace('}', ',"extra":1}'),
];

const keys: readonly (string | undefined)[] = [
  undefined,
  '',
  ' ',
  'a b',
  'ä',
  'x'.repeat(256),
  '"',
  '"open',
  'tab\there',
];

/** What a backend does with all of it. */
async function harm(api: TestBackend): Promise<Violation[]> {
  const violations: Violation[] = [];
  const send = async (what: string, path: string, options: RequestOptions): Promise<void> => {
    const { status } = await api.request('POST', path, options);
    if (status >= 400 && status < 500) return;
    violations.push({ guarantee: 'G14', what: `${what} was answered ${status}` });
  };
  const headers = { 'content-type': 'application/json' };
  for (const [index, rawBody] of bodies.entries()) {
    await send(`body ${index}`, '/v1/articles', { rawBody, key: `body-${index}`, headers });
  }
  for (const key of keys) {
    await send(`key ${String(key)}`, '/v1/articles', {
      rawBody: article,
      headers,
      ...(key !== undefined && { key }),
    });
  }
  for (const path of [
    '/v1/articles/%00/publish',
    '/v1/articles/..%2f..%2f/publish',
    '/v1/%ud800',
    '/v1/articles/art_x/publish',
  ]) {
    await send(path, path, { key: 'path' });
  }
  const { data, outbox } = await readStore(inject('dynamodbEndpoint'), api.tables);
  if (data.length + outbox.length > 0)
    violations.push({ guarantee: 'G14', what: `${data.length} items were written` });
  return violations;
}

/** The same fields, of which none is looked at. One that lets other fields through is refused when it is loaded. */
const withAnyValue = ({ shape }: z.ZodObject): z.ZodObject =>
  z.strictObject(Object.fromEntries(Object.keys(shape).map((name) => [name, z.any()])));

guarantee(
  'G14 bad input is harmless',
  async (broken?: typeof domains) => {
    const api = await startBackend(broken ? { domains: broken } : {});
    try {
      return await harm(api);
    } finally {
      api.backend.store.client.destroy();
    }
  },
  {
    'a schema lets every value through': domains.map((domain) => ({
      ...domain,
      create: { ...domain.create, input: withAnyValue(domain.create.input) },
    })),
  },
);

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});
afterAll(() => {
  api.backend.store.client.destroy();
});

test('G14 bad input is harmless: any bytes in path, key and body', async () => {
  const name = fc.string({ unit: anyCharacter, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(name, name, fc.uint8Array({ maxLength: 200 }), async (segment, key, rawBody) => {
      const { status } = await api.request('POST', `/v1/articles/${segment}`, { key, rawBody });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
  const { data, outbox, records } = await readStore(inject('dynamodbEndpoint'), api.tables);
  expect([data, outbox, records]).toEqual([[], [], []]);
});

test('G14 bad input is harmless: any text in a queue', async () => {
  const outbox = await startOutbox();
  const receiver = new RememberingReceiver(outbox);
  const handler = workerOf(outbox, 'llm', receiver.receive, outbox);
  try {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: anyCharacter }), fc.json()), async (body) => {
        const { batchItemFailures } = await handler(sqsEvent(outbox.queues.llm, body));
        // Left to the queue, which moves it to its dead letters.
        expect(batchItemFailures).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
    expect(receiver.calls).toEqual([]);
    expect(await outbox.all()).toEqual([]);
  } finally {
    await outbox.stop();
  }
});
