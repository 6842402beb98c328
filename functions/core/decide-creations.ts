/** What a command creates beside its own entity, each by its own definition. */
import { checksOf } from './checks-of-others.ts';
import type { Command } from './command.ts';
import { contextOf } from './context.ts';
import type { Known } from './context.ts';
import { creationsOf } from './creations.ts';
import type { Decide, Decided, PlannedMessage } from './decision.ts';
import type { EntityChange } from './entity-change.ts';
import type { Check } from './movements.ts';
import { definitionOf } from './named-others.ts';
import type { Registry } from './registry.ts';

type Creations =
  | {
      readonly kind: 'created';
      readonly changes: readonly EntityChange[];
      readonly messages: readonly PlannedMessage[];
      /** Of what their creations look at. */
      readonly checks: readonly Check[];
    }
  | Exclude<Decided, { readonly kind: 'accepted' }>;

/** Decides one by one what the command creates. @param decide decides each as a command of its own */
export function decideCreations(
  decide: Decide,
  registry: Registry,
  command: Command,
  context: object,
  known: Known,
): Creations {
  const changes: EntityChange[] = [];
  const messages: PlannedMessage[] = [];
  const checks: Check[] = [];
  const unread = new Set<string>();
  for (const creation of creationsOf(command, definitionOf(command).creates, context)) {
    const creating = {
      ...creation.command,
      domain: registry.byCollection(creation.command.domain.collection),
    };
    const decided = decide(registry, creating, known);
    if (decided.kind === 'rejected') return decided;
    if (decided.kind === 'incomplete') {
      for (const id of decided.ids) unread.add(id);
      continue;
    }
    changes.push(...decided.decision.entities);
    messages.push(...decided.decision.messages);
    const looked = checksOf(creating, contextOf(creating, undefined, known), known);
    if (looked.kind === 'checks') checks.push(...looked.checks);
  }
  return unread.size > 0
    ? { kind: 'incomplete', ids: [...unread] }
    : { kind: 'created', changes, messages, checks };
}
