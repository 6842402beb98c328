/** The state machine of a definition as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html). */
import type { Domain } from '../core/definition.ts';

/** Mermaid text without its fence, lines separated by `\n`; the same definition always gives the same text. */
export function stateDiagram(domain: Domain): string {
  const { states, initial } = domain;
  const arrows = new Map<string, string[]>();
  for (const [name, { from, to }] of Object.entries(domain.transitions)) {
    for (const start of from) {
      for (const end of to) {
        const arrow = `${stateId(start)} --> ${stateId(end)}`;
        arrows.set(arrow, [...(arrows.get(arrow) ?? []), label(domain, name)]);
      }
    }
  }
  const isLast = (state: string): boolean =>
    Object.values(domain.transitions).every(({ from }) => !from.includes(state));
  return [
    'stateDiagram-v2',
    '  direction LR',
    ...states
      .filter((state) => stateId(state) !== state)
      .map((state) => `  state "${state}" as ${stateId(state)}`),
    `  [*] --> ${stateId(initial)}`,
    ...[...arrows].map(([arrow, labels]) => `  ${arrow}: ${labels.join(', ')}`),
    ...states.filter(isLast).map((state) => `  ${stateId(state)} --> [*]`),
  ].join('\n');
}

/** Mermaid reads a hyphen in a name as syntax. */
const stateId = (state: string): string => state.replaceAll(/\W/g, '_');

/** A transition that no route leads to still moves the entity, so it is drawn, and says what brings it about. */
function label({ transitions, deadline }: Domain, name: string): string {
  const isInternal = transitions[name]?.internal === true;
  if (deadline?.transition === name) return `${name} (${isInternal ? '' : 'also '}by itself)`;
  return isInternal ? `${name} (with another)` : name;
}
