/** Cutting what a receiver gave back to what a message keeps. Pure. */
import { cutText } from './cut-text.ts';

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
