/** Linked transitions: of other entities, in the transaction of the command that asks for them. */
import type { Command } from './command.ts';
import { stateOf } from './context.ts';
import type { Known } from './context.ts';
import { rejected } from './decision.ts';
import type { Decide, Decided, PlannedMessage } from './decision.ts';
import type { AnyLink, Domain } from './domain.ts';
import { valueAt } from './entity.ts';
import type { EntityChange } from './entity-change.ts';
import { definitionOf, idsOf } from './named-others.ts';
import { collectionOf } from './others.ts';
import type { Registry } from './registry.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { firstBroken, rulesIn } from './rules.ts';
import { checkedInput } from './written.ts';

type Linked =
  | {
      readonly kind: 'linked';
      readonly changes: readonly EntityChange[];
      readonly messages: readonly PlannedMessage[];
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Decides the linked transitions one by one. @param decide decides each as a command of its own */
export function decideLinks(
  decide: Decide,
  registry: Registry,
  command: Command,
  context: object,
  known: Known,
): Linked {
  const changes: EntityChange[] = [];
  const messages: PlannedMessage[] = [];
  for (const link of Object.values(definitionOf(command).links ?? {})) {
    const inTheWay: ({ readonly id: string } & Pick<Rejection, 'code' | 'detail'>)[] = [];
    for (const id of idsOf(link, context)) {
      // Checked here too, so that a caller's own tampered list cannot take one entity along twice.
      const isTwice = id === command.id || changes.some(({ after }) => after.id === id);
      const decided = decideLink(decide, registry, command, link, id, context, isTwice ? new Map() : known);
      if (decided.kind === 'accepted') {
        changes.push(...decided.decision.entities);
        messages.push(...decided.decision.messages);
        continue;
      }
      if (decided.kind === 'incomplete')
        throw new Error(`"${link.transition}" reads others; links do not nest`);
      const { rejection } = decided;
      // Somebody's lock ends: the command may try again, so this is not among what stands in its way for good.
      if (!link.refused || rejection.kind === 'locked') return rejected(rejection);
      inTheWay.push({ id, code: rejection.code, detail: rejection.detail });
    }
    if (link.refused && inTheWay.length > 0) {
      const { code, otherwise } = link.refused;
      return rejected({ code, kind: 'conflict', detail: otherwise, members: { inTheWay } });
    }
  }
  return { kind: 'linked', changes, messages };
}

function decideLink(
  decide: Decide,
  registry: Registry,
  command: Command,
  link: AnyLink,
  id: string,
  context: object,
  known: Known,
): Decided {
  const { tenant, actor, roles, now, random, seed } = command;
  const domain: Domain = registry.byCollection(collectionOf(command.domain, link));
  const { reads, links, references } = domain.transitions[link.transition] ?? {};
  if (reads ?? links ?? references)
    throw new Error(`"${link.transition}" of ${domain.collection} names others itself; links do not nest`);
  const state = stateOf(known, domain.collection, id);
  if (!state) return rejected(rejections.unknownReference(domain.collection, id));
  const broken = firstBroken(rulesIn(link.rules, context), (path) => valueAt(domain, state, path));
  if (broken) return rejected(rejections.rejectedBy(broken));
  return decide(
    registry,
    {
      ...{ tenant, actor, now, random, seed, domain, id },
      name: link.transition,
      input: checkedInput(domain.transitions[link.transition]?.input, link.input?.(context) ?? {}),
      ...(roles && { roles }),
    },
    new Map([[id, state]]),
  );
}
