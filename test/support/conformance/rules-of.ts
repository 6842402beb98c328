import type { AnyTransition } from '../../../functions/core/definition.ts';
import { ruleHeads } from '../../../functions/core/rules.ts';
import type { AnyRule } from '../../../functions/core/rules.ts';

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

/** All rules of a transition by their codes, wherever they are written. */
export const rulesWithSteps = ({
  rules = {},
  reads = {},
  references = {},
  links = {},
}: AnyTransition): Readonly<Record<string, AnyRule>> =>
  Object.assign(
    {},
    rules,
    ...[reads, references, links].flatMap((others) =>
      Object.values(others).map((other) => other.rules ?? {}),
    ),
  ) as Readonly<Record<string, AnyRule>>;
