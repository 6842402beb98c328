/** What definitions tell of each other's machines: the way to a state, and who moves whom. */
import type { Domain } from '../../functions/core/definition.ts';
import { commandsOf } from '../../functions/core/domain.ts';
import type { Registry } from '../../functions/core/registry.ts';
import { endsFrom } from '../../functions/core/definition.ts';
import { answersThatBring } from '../../functions/core/registry.ts';
import { collectionOf } from '../../functions/core/others.ts';

/** The first transition of the shortest way, without those that turned out to lead elsewhere. */
export function nextOnTheWay(
  domain: Domain,
  from: string,
  targets: readonly string[],
  without: ReadonlySet<string> = new Set(),
): string | undefined {
  const queue: { readonly status: string; readonly first: string | undefined }[] = [
    { status: from, first: undefined },
  ];
  const seen = new Set([from]);
  for (const { status, first } of queue) {
    if (targets.includes(status)) return first;
    for (const [name, transition] of Object.entries(domain.transitions)) {
      if (!transition.from.includes(status) || (first === undefined && without.has(name))) continue;
      for (const next of endsFrom(transition, status).filter((state) => !seen.has(state))) {
        seen.add(next);
        queue.push({ status: next, first: first ?? name });
      }
    }
  }
  return undefined;
}

/** Whether it is there, or there is a way. */
export const leadsTo = (domain: Domain, from: string, targets: readonly string[]): boolean =>
  targets.includes(from) || nextOnTheWay(domain, from, targets) !== undefined;

/** The collections of which a creation takes entities along. */
export const takenBy = (domain: Domain): readonly string[] =>
  Object.values(domain.create.links ?? {}).map((link) => collectionOf(domain, link));

/** Transitions that may post, and from which there is a way back to a state. */
export const postersOf = (domain: Domain, status: string): readonly string[] =>
  Object.entries(domain.transitions)
    .filter(
      ([, { from, to, transfers }]) =>
        transfers !== undefined &&
        leadsTo(domain, status, from) &&
        to.every((end) => leadsTo(domain, end, [status])),
    )
    .map(([name]) => name);

export interface Mover {
  readonly domain: Domain;
  readonly name: string;
  /** Where the mover has to be; none where its creation is what moves others. */
  readonly from?: readonly string[] | undefined;
}

/** Commands of other entities that take those of a collection along. */
export const moversOf = ({ domains }: Registry, collection: string, transition: string): readonly Mover[] =>
  domains.flatMap((domain) =>
    [...commandsOf(domain)]
      .filter(([, { links = {} }]) =>
        Object.values(links).some(
          (link) => collectionOf(domain, link) === collection && link.transition === transition,
        ),
      )
      .map(([name]) => ({ domain, name, from: domain.transitions[name]?.from })),
  );

/** Other transitions that a caller may take, or a receiver's answer bring about, and that stay in a state. */
export const preludesOf = (domain: Domain, status: string, name: string): readonly string[] =>
  Object.entries(domain.transitions)
    .filter(([other, { from, to, internal }]) => {
      const comes = internal !== true || answersThatBring(domain, other).length > 0;
      return other !== name && comes && from.includes(status) && to.includes(status);
    })
    .map(([other]) => other);
