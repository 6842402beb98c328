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
