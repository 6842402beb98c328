import type { AnyTransition } from '../../../functions/core/definition.ts';
import { ruleHeads } from '../../../functions/core/rules.ts';

/** The codes a transition may refuse with by its own rules, and by those on what it looks at or takes along. */
export function codesOf(transition: AnyTransition): readonly string[] {
  const { authorize = {}, rules, links = {} } = transition;
  const looked = lookedAtIn(transition);
  const linked = Object.values(links).flatMap(({ refused, rules: of }) =>
    refused ? [refused.code] : ruleHeads(of).map(({ code }) => code),
  );
  return [...Object.keys(authorize), ...ruleHeads(rules).map(({ code }) => code), ...looked, ...linked];
}

/** The codes of the rules on what it looks at and does not take along. */
export const lookedAtIn = ({ reads = {}, references = {} }: AnyTransition): readonly string[] =>
  [...Object.values(reads), ...Object.values(references)].flatMap(({ rules }) =>
    ruleHeads(rules).map(({ code }) => code),
  );

/** The rules that say after which steps they refuse, wherever they are written; one code may be that of several. */
export const rulesAfterSteps = ({
  rules = {},
  reads = {},
  references = {},
  links = {},
}: AnyTransition): readonly { readonly code: string; readonly refusedAfter: readonly string[] }[] =>
  [{ rules }, ...Object.values(reads), ...Object.values(references), ...Object.values(links)].flatMap(
    ({ rules: written = {} }) =>
      ruleHeads(written).flatMap(({ name, code }) => {
        const refusedAfter = written[name]?.refusedAfter ?? [];
        return refusedAfter.length > 0 ? [{ code, refusedAfter }] : [];
      }),
  );
