import type { AnyTransition } from '../../../functions/core/definition.ts';
import { ruleHeads } from '../../../functions/core/rules.ts';

/** The codes a transition may refuse with by its own rules, and by those on what it takes along. */
export function codesOf({ authorize = {}, rules, links = {} }: AnyTransition): readonly string[] {
  const linked = Object.values(links).flatMap(({ refused, rules: of }) =>
    refused ? [refused.code] : ruleHeads(of).map(({ code }) => code),
  );
  return [...Object.keys(authorize), ...ruleHeads(rules).map(({ code }) => code), ...linked];
}
