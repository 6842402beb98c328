/** The prose of the document. */
import { whoMay } from '../core/authorize.ts';
import { whenByItself } from '../core/deadlines.ts';
import { startsOf } from '../core/definition.ts';
import type { Domain } from '../core/definition.ts';
import type { Example } from './example-order.ts';
import { outcomeOf } from './example-world.ts';
import type { ExampleCommand } from './example-world.ts';
import { commandId } from './names.ts';
import { stateDiagram } from './state-diagram.ts';
import type { KnownRefusal } from './refusals.ts';

export const introduction = `
Every command commits once, whatever fails, and what follows from it is carried out.

### Access
Send \`Authorization: Bearer <JWT>\`. The claim \`tenant\` says whose data it is, \`sub\` who acts, and \`scope\` holds
\`commands\` (all domain routes) or \`ops\` (the operations routes), or both. Some commands want a role as well, which the
claim \`roles\` must name (a list, or one text with spaces between): without it 403 \`role_missing\`, before anything else is
told. Another tenant's data does not exist.

### Commands
A \`POST\` that changes an entity needs an \`Idempotency-Key\`. Send it again, with the same key and body, as often as
you like: the command runs once, and each answer is the first one, byte for byte, marked \`Idempotent-Replayed: true\`.
A refusal by a rule (409, 412, 422) is final for its key too. After 400, 401, 403, 404, 413, 415, 423, 429 and 5xx the same
key runs as new, or tells what became of the command. \`If-Match\` makes a command depend on the version you saw; \`lock\`
keeps others out while you work.

### Problems
Errors are \`application/problem+json\` (RFC 9457). \`code\` is stable and made for programs, \`detail\` is for people, and
\`requestId\` names the request in the logs. An unknown route is 404 \`not_found\`; a known one with another method is 405
with \`Allow\`, and so is \`TRACE\` on any. Every answer of the backend has \`X-Request-Id\`. Unknown fields and parameters
are refused.

### Values
Amounts are integers in minor units, currencies ISO 4217, times RFC 3339 UTC. Ids are made by the server and sort by time.

### Examples
Every request body has an example that is accepted as it stands, by a token with \`"sub": "alice"\` (or what
\`x-example-as\` says) and the role that the command wants, in a tenant without data. A moment in it that has to lie ahead
is reckoned from the first of January 2026. Ids are made by the server, so an id in an example stands for the entity that the create example of its collection
made; a field marked \`x-secret\` stands for what the mail of that entity said. Where others have to come first,
\`x-example-after\` names their operations in order, each with the example id it makes or acts on, and \`as\` whom it is
sent where that is not \`alice\`. Between them stand
the answers of receivers that have to come first (\`done\` or \`refused\`, \`to\` which message of the entity), and the
deadlines that have to pass (\`deadline\` is the transition that happens then).
`.trim();

/** What a definition says: summary, state machine as a Mermaid diagram, and rules. */
export function domainDescription(domain: Domain, refusals: readonly KnownRefusal[]): string {
  const rules = refusals.filter(({ code }) => code !== 'transition_not_allowed');
  const distinct = rules.filter(
    ({ code, detail }, index) =>
      rules.findIndex((other) => other.code === code && other.detail === detail) === index,
  );
  const lines = distinct.map(({ code, detail }) => `- \`${code}\`: ${detail}`);
  return [
    domain.summary,
    `\`\`\`mermaid\n${stateDiagram(domain)}\n\`\`\``,
    ['| command | who may |', '| --- | --- |', ...whoMayEach(domain)].join('\n'),
    ...(lines.length > 0 ? [`Rules:\n\n${lines.join('\n')}`] : []),
  ].join('\n\n');
}

/** Every command with those who may ask for it; what nobody asks for happens by itself, or along with another. */
function whoMayEach(domain: Domain): readonly string[] {
  const { create, transitions } = domain;
  const rows = Object.entries(transitions).map(([name, transition]) => {
    if (transition.internal !== true) return [name, whoMay(transition)];
    const when = whenByItself(domain, name);
    return [
      name,
      when === undefined ? 'nobody: another entity brings it about' : `nobody: it happens by itself ${when}`,
    ];
  });
  const creator = create.internal === true ? 'nobody: another command creates it' : whoMay(create);
  return [['create', creator], ...rows].map(([name, who]) => `| \`${name ?? ''}\` | ${who ?? ''} |`);
}

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' or ');

/** When a transition is allowed and where it leads; and which examples stand before its own. */
export function commandDescription({ domain, name, after }: Example): string {
  const transition = domain.transitions[name];
  const path = transition
    ? `Allowed while \`status\` is ${listed(transition.from)}; leads to ${listed(transition.to)}.`
    : `Its first status is ${listed(startsOf(domain))}.`;
  const when = whenByItself(domain, name);
  const who = whoMay(transition ?? domain.create);
  return [
    when === undefined ? path : `${path} Happens by itself ${when}.`,
    ...(who === 'anybody' ? [] : [`Who may: ${who}.`]),
    ...(after && after.length > 0
      ? [`The example is accepted after ${after.map(stepName).join(', ')}.`]
      : []),
  ].join('\n\n');
}

function stepName({ domain, name, answers, dueAt }: ExampleCommand): string {
  if (answers) return `the answer \`${outcomeOf(answers, name)}\` to \`${answers.type}\``;
  return dueAt === undefined ? `\`${commandId(domain, name)}\`` : `the deadline \`${name}\``;
}
