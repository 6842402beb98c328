import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutText } from '../../functions/runtime/cut-text.ts';
import { boundedResult } from '../../functions/runtime/bounded-result.ts';
import { anyCharacter } from '../support/characters.ts';

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
  test.each([0, 1, 4_095, 4_096])('with a body of %d bytes is kept as it is', (bytes) => {
    const result = { status: 200, body: '"'.repeat(bytes) };
    expect(boundedResult(result, 4_096)).toBe(JSON.stringify(result));
  });

  test('with a longer text says so, and keeps everything but the end of it', () => {
    const result = { status: 200, body: 'x'.repeat(4_097), other: 'kept' };
    expect(JSON.parse(boundedResult(result, 4_096))).toEqual({
      ...result,
      body: 'x'.repeat(4_096),
      truncated: true,
    });
  });

  test('is bounded whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, minLength: 400, maxLength: 2_000 }), (body) => {
        const kept = JSON.parse(boundedResult({ status: 200, body }, 300)) as { body: string };
        expect(Buffer.byteLength(kept.body)).toBeLessThanOrEqual(300);
        expect(body.toWellFormed().startsWith(kept.body)).toBe(true);
      }),
    );
  });
});
