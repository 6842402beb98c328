import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundedResult, cutText } from '../../functions/workers/bounded-result.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 400 });

describe('a text that is cut', () => {
  test('is a beginning that fits, and as long as whole characters allow', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 500 }), (whole, maxBytes) => {
        const cut = cutText(whole, maxBytes);
        expect(whole.startsWith(cut)).toBe(true);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes);
        if (cut !== whole) expect(Buffer.byteLength(cut)).toBeGreaterThan(maxBytes - 4);
      }),
    );
  });
});

describe('a result', () => {
  test('that fits is kept as it is', () => {
    const result = { status: 200, body: 'received' };
    expect(boundedResult(result, 4096)).toBe(JSON.stringify(result));
  });

  test('that does not fit says so, and keeps everything but the end of its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 400, maxLength: 2_000 }), (body) => {
        const json = boundedResult({ status: 200, body }, 300);
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(300);
        const kept = JSON.parse(json) as { status: number; body: string; truncated: boolean };
        expect(kept.status).toBe(200);
        expect(kept.truncated).toBe(true);
        expect(body.toWellFormed().startsWith(kept.body)).toBe(true);
      }),
    );
  });

  test('of too many fields is a defect', () => {
    expect(() => boundedResult({ rows: Array.from({ length: 100 }, () => 1) }, 50)).toThrow(RangeError);
  });
});
