/** Whether a field takes all that it took before. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldSchema } from './snapshot.ts';

/** `same`; `wider`: it takes more; `narrower`: it refuses something that it took. */
export type FieldChange = 'same' | 'wider' | 'narrower';

const lowerBounds = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems']);
const upperBounds = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']);

/** What cannot be compared (another pattern, another form) counts as narrower. */
export function fieldChange(before: FieldSchema, after: FieldSchema): FieldChange {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].map((name) => keywordChange(name, before[name], after[name]));
  if (changes.includes('narrower')) return 'narrower';
  return changes.includes('wider') ? 'wider' : 'same';
}

function keywordChange(name: string, before: unknown, after: unknown): FieldChange {
  if (isDeepStrictEqual(before, after) || name === 'default') return 'same';
  if (after === undefined && name !== 'type') return 'wider';
  if (before === undefined) return 'narrower';
  if (lowerBounds.has(name)) return Number(after) < Number(before) ? 'wider' : 'narrower';
  if (upperBounds.has(name)) return Number(after) > Number(before) ? 'wider' : 'narrower';
  if (name === 'enum') {
    return (before as unknown[]).every((value) => (after as unknown[]).includes(value))
      ? 'wider'
      : 'narrower';
  }
  if (name === 'items') return fieldChange(before as FieldSchema, after as FieldSchema);
  return 'narrower';
}
