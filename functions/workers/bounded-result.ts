/** Cutting what a receiver gave back to what a message keeps. Pure. */

/**
 * The longest beginning of a text that fits, never half a character.
 * @param maxBytes of its UTF-8
 */
export function cutText(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text, 'utf8') <= maxBytes) return text;
  const bytes = Buffer.from(text, 'utf8').subarray(0, maxBytes);
  // A streaming decoder keeps back a character whose end is missing.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}

/**
 * A result as JSON. A text of more than `maxBytes` is cut, and `truncated: true` says so; all else stays as it is.
 */
export function boundedResult(result: Readonly<Record<string, unknown>>, maxBytes: number): string {
  const fitting = Object.fromEntries(
    Object.entries(result).map(([field, value]) => [
      field,
      typeof value === 'string' ? cutText(value, maxBytes) : value,
    ]),
  );
  const isCut = Object.keys(result).some((field) => fitting[field] !== result[field]);
  return JSON.stringify(isCut ? { ...fitting, truncated: true } : fitting);
}
