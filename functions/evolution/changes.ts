/** A change of a definition, and what it means. */
import { isDeepStrictEqual } from 'node:util';

/** What a change of a definition means for entities, callers and the version that runs beside it. */
export type Verdict =
  /** It may be released as it is. */
  | 'safe'
  /** It may be released; something has to be done afterwards, or a release has to come before. */
  | 'two-steps'
  /** It would break a promise to callers or to entities that live. */
  | 'refused';

export interface Change {
  readonly verdict: Verdict;
  /** What has changed, e.g. `attributes.title`. */
  readonly path: string;
  /** What it does to which entities. */
  readonly effect: string;
  /** What to do, or to write instead. */
  readonly todo?: string;
}

export const safe = (path: string, effect: string): Change => ({ verdict: 'safe', path, effect });
export const twoSteps = (path: string, effect: string, todo: string): Change => ({
  verdict: 'two-steps',
  path,
  effect,
  todo,
});
export const refused = (path: string, effect: string, todo: string): Change => ({
  verdict: 'refused',
  path,
  effect,
  todo,
});

/** Names in one list and not in the other. */
export const beyond = (list: readonly string[], other: readonly string[]): readonly string[] =>
  list.filter((name) => !other.includes(name));

export const quoted = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(', ');

/** Whether a part of a definition is the same, as a file has it: without what is undefined. */
export const isUnchanged = (before: unknown, after: unknown): boolean =>
  isDeepStrictEqual(asInFile(before), asInFile(after));

const asInFile = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
