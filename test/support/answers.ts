/** Answers in the few words that tests compare. */
import type { Reply } from './backend.ts';

/** Status and code, e.g. `[409, 'sold_out']`; the code of a success is absent. */
export const verdictOf = ({ status, json }: Reply): [number, unknown] => [
  status,
  (json as Reply['json'] | undefined)?.['code'],
];

export const idOf = ({ json }: Reply): string => String(json['id']);

export const itemsOf = ({ json }: Reply): readonly Readonly<Record<string, unknown>>[] =>
  json['items'] as readonly Readonly<Record<string, unknown>>[];
