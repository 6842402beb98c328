/**
 * An example that a creation gives of itself is tried before anything starts, where no other entity has a say; and what goes
 * before an example is looked for.
 */
import { forbiddenTo, roleRejectionOf } from './authorize.ts';
import type { Command } from './command.ts';
import { contextOf } from './context.ts';
import { commandsOf, placeOf } from './domain.ts';
import type { Domain } from './domain.ts';
import {
  exampleActors,
  exampleBody,
  exampleCreators,
  exampleNow,
  fieldsWithoutExample,
  partsOfStep,
  saidExample,
} from './examples.ts';
import { firstBroken, rulesIn } from './rules.ts';

/**
 * That each field that a caller may send has an example: the documentation shows it, and the tests send it. It is no look
 * for every start, since it takes each input apart.
 */
export function checkFieldExamples(domain: Domain, fail: (place: string, fault: string) => void): void {
  for (const [name, { input, internal }] of commandsOf(domain))
    for (const field of input && internal !== true ? fieldsWithoutExample(input) : [])
      fail(
        `${placeOf(name)}, field "${field}"`,
        'it has no example; give it one: .meta({ examples: [...] })',
      );
}

/** What is wrong, and the cure. */
export const refusedExample = (code: string, detail: string): string =>
  `it is refused with "${code}": ${detail} Give an "input", an "actor" or "roles" that are accepted, or say in "after" what goes before`;

/** @returns what is wrong with the example of a creation, and what would be right */
export function faultOfExample(domain: Domain): string | undefined {
  const { example, input, role, authorize, rules, reads, links, creates } = domain.create;
  if (!example || reads || links || creates) return undefined;
  const fields = exampleBody(input);
  const said = saidExample(commandOf(domain, fields), undefined, new Map());
  const { success, data, error } = input.safeParse({ ...fields, ...said?.input });
  if (!success) {
    const [issue] = error.issues;
    const place = issue?.path.join('.') ?? '';
    return `it gives "${place}" as its schema does not allow: ${issue?.message ?? ''}; give what the field takes`;
  }
  const missing = roleRejectionOf({ ...(role !== undefined && { role }) }, said?.roles);
  if (missing) return refusedExample(missing.code, missing.detail);
  const actors = said?.actor === undefined ? exampleCreators(domain, data) : [said.actor];
  const broken = actors.map((actor) => {
    const command = { ...commandOf(domain, data), actor, ...(said?.roles && { roles: said.roles }) };
    const forbidden = forbiddenTo(actor, authorize, (path) => command.input[path]);
    return (
      forbidden ?? firstBroken(rulesIn(rules, contextOf(command, undefined, new Map())), () => undefined)
    );
  });
  const [first] = broken;
  return first && broken.every((rule) => rule !== undefined)
    ? refusedExample(first.code, first.detail)
    : undefined;
}

/**
 * @param command `create`, or a transition's name
 * @param step of the `after` of its example, or of the `refusedAfter` of a rule
 * @returns what is wrong with it, and what would be right
 */
export function faultOfStep(
  domain: Domain,
  domains: readonly Domain[],
  command: string,
  step: string,
): string | undefined {
  const [collection, name] = partsOfStep(domain, step);
  const of = domains.find((one) => one.collection === collection);
  if (!of) return `"${step}" names no collection; write "collection/transition" of one that is loaded`;
  const names = Object.keys(of.transitions);
  if (!names.includes(name))
    return `"${step}": ${collection} have no "${name}"; transitions are ${names.join(', ')}`;
  if (command === 'create' && of === domain)
    return `"${step}" comes after its creation; name a transition of what it refers to: "collection/transition"`;
  return undefined;
}

const commandOf = (domain: Domain, input: Command['input']): Command => ({
  ...{ tenant: 'acme', domain, name: 'create', id: `${domain.idPrefix}_00000000000000000000000000`, input },
  ...{ actor: exampleActors[0], roles: [], now: exampleNow, random: '', seed: '' },
});
