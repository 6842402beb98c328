/** The ids and secrets in examples of request bodies. */
import type { Domain } from '../core/definition.ts';
import { exampleBody } from '../core/examples.ts';
import type { ExampleBody } from '../core/examples.ts';
import { secretFields } from '../core/fields.ts';

/** The random part of every id in the examples; each entity of one collection ends in another letter. */
const exampleUlid = '01JD2X5T9ZK4M8Q7W6V5B3N2H';

export const exampleId = ({ idPrefix }: Domain): string => `${idPrefix}_${exampleUlid}C`;
/** As many of a kind as an example may need. */
export const exampleIds = ({ idPrefix }: Domain): readonly string[] =>
  ['C', 'D', 'E'].map((letter) => `${idPrefix}_${exampleUlid}${letter}`);

/** The ids of entities that a body names, at any depth. */
export function idsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}$/.test(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(idsIn);
}

/** The entity an example is about: not the one its body names, where it names another of the same collection. */
export const subjectId = (domain: Domain, body: ExampleBody | undefined): string =>
  exampleIds(domain).find((id) => !idsIn(body).includes(id)) ?? exampleId(domain);

/** What the examples take for a secret that the server draws: the example of the field it is sent back in. */
export function exampleSecret({ transitions }: Domain): string {
  const secrets = Object.values(transitions).flatMap(({ input }) => {
    if (!input) return [];
    const body = exampleBody(input);
    return [...secretFields(input)].map((field) => body[field]);
  });
  return secrets.find((value) => typeof value === 'string') ?? 'AAECAwQFBgcICQoLDA0ODw';
}
