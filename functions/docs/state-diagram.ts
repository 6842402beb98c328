/** The state machine of a definition as a Mermaid state diagram (https://mermaid.js.org/syntax/stateDiagram.html). */
import { answersThatBring } from '../core/registry.ts';
import { endsFrom, startsOf } from '../core/definition.ts';
import type { Domain } from '../core/definition.ts';

/** Mermaid text without its fence, lines separated by `\n`; the same definition always gives the same text. */
export const stateDiagram = (domain: Domain): string => diagram(domain, (name) => label(domain, name));

/** The same with the names of the transitions alone, where there is little room. */
export const commandDiagram = (domain: Domain): string => diagram(domain, (name) => name);

function diagram(domain: Domain, labelOf: (transition: string) => string): string {
  const { states, create } = domain;
  const arrows = new Map<string, string[]>();
  for (const [name, transition] of Object.entries(domain.transitions)) {
    for (const start of transition.from) {
      for (const end of endsFrom(transition, start)) {
        const arrow = `${stateId(start)} --> ${stateId(end)}`;
        arrows.set(arrow, [...(arrows.get(arrow) ?? []), labelOf(name)]);
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
    ...startsOf(domain).map(
      (start) => `  [*] --> ${stateId(start)}${create.internal === true ? ': create (with another)' : ''}`,
    ),
    ...[...arrows].map(([arrow, labels]) => `  ${arrow}: ${labels.join(', ')}`),
    ...states.filter(isLast).map((state) => `  ${stateId(state)} --> [*]`),
  ].join('\n');
}

/** Mermaid reads a hyphen in a name as syntax. */
const stateId = (state: string): string => state.replaceAll(/\W/g, '_');

/** A transition that no route leads to still moves the entity, so it is drawn, and says what brings it about. */
function label(domain: Domain, name: string): string {
  const { transitions, deadlines = {} } = domain;
  const isInternal = transitions[name]?.internal === true;
  const deadline = Object.hasOwn(deadlines, name) ? deadlines[name] : undefined;
  if (deadline) {
    const often = deadline.every ? `, every ${deadline.every}` : '';
    return `${name} (${isInternal ? '' : 'also '}by itself${often})`;
  }
  const answers = answersThatBring(domain, name).map(({ answer, message }) => `${message.type} ${answer}`);
  if (answers.length > 0) return `${name} (answer: ${[...new Set(answers)].join(', ')})`;
  return isInternal ? `${name} (with another)` : name;
}
