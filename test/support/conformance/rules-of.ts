import type { AnyTransition } from '../../../functions/core/definition.ts';
import { ruleHeads } from '../../../functions/core/rules.ts';

/** The codes a transition may refuse with by its own rules, and by those on what it looks at or takes along. */
export function codesOf(transition: AnyTransition): readonly string[] {
  const { authorize = {}, rules, reads = {}, references = {}, links = {} } = transition;
  const looked = [...Object.values(reads), ...Object.values(references)].flatMap(({ rules: of }) =>
    ruleHeads(of).map(({ code }) => code),
  );
  const linked = Object.values(links).flatMap(({ refused, rules: of }) =>
    refused ? [refused.code] : ruleHeads(of).map(({ code }) => code),
  );
  return [...Object.keys(authorize), ...ruleHeads(rules).map(({ code }) => code), ...looked, ...linked];
}
