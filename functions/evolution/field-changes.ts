/** Changes of a field: whether it takes all that it took before. */
import { isDeepStrictEqual } from 'node:util';
import { refused, safe } from './changes.ts';
import type { Change } from './changes.ts';
import type { FieldSchema } from './snapshot.ts';

/** `same`; `wider`: it takes more; `narrower`: it refuses something that it took. */
type FieldChange = 'same' | 'wider' | 'narrower';

const lowerBounds = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems']);
const upperBounds = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']);

export function* fieldChanges(
  path: string,
  before: FieldSchema,
  after: FieldSchema,
  what: 'attribute' | 'input',
): Iterable<Change> {
  const change = fieldChange(before, after);
  if (change === 'wider') yield safe(path, 'It takes all that it took before, and more.');
  if (change !== 'narrower') return;
  yield what === 'attribute'
    ? refused(
        path,
        'Older entities may have values that it does not take any more.',
        'Keep what it takes, and bound `create.input` instead; or add another attribute beside it.',
      )
    : refused(
        path,
        'Callers that send what it took before are answered 400.',
        'Keep what it takes; refuse the rest with a rule.',
      );
}

/** What cannot be compared (another pattern, another form) counts as narrower. */
function fieldChange(before: FieldSchema, after: FieldSchema): FieldChange {
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
