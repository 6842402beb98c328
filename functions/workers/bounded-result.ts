/** Cutting what a receiver gave back to what a message keeps. Pure. */

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

/**
 * The longest beginning of a text that fits, never half a character.
 * @param maxBytes of its UTF-8
 */
export function cutText(text: string, maxBytes: number): string {
  if (bytesOf(text) <= maxBytes) return text;
  const bytes = Buffer.from(text, 'utf8').subarray(0, maxBytes);
  // A streaming decoder keeps back a character whose end is missing.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}

/**
 * A result as JSON of at most `maxBytes`. What is too long is cut at its longest text, and `truncated: true` says
 * so; other fields stay as they are.
 * @throws where it does not fit without any of its texts: a receiver that keeps too much is a defect
 */
export function boundedResult(result: Readonly<Record<string, unknown>>, maxBytes: number): string {
  let fitting = result;
  let json = JSON.stringify(fitting);
  while (bytesOf(json) > maxBytes) {
    const [field, text] = longestText(fitting);
    if (field === undefined || text.length === 0)
      throw new RangeError('a result has too many fields to keep');
    // Escapes make the JSON longer than its text, so a first cut can fall short and is repeated.
    const excess = bytesOf(json) - maxBytes;
    const room = Math.max(bytesOf(text) - Math.max(Math.ceil(excess / 6), 1), 0);
    fitting = { ...fitting, [field]: cutText(text, room), truncated: true };
    json = JSON.stringify(fitting);
  }
  return json;
}

function longestText(result: Readonly<Record<string, unknown>>): [string | undefined, string] {
  let longest: [string | undefined, string] = [undefined, ''];
  for (const [field, value] of Object.entries(result)) {
    if (typeof value === 'string' && value.length > longest[1].length) longest = [field, value];
  }
  return longest;
}
