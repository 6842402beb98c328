/** What a command asks of entities that it does not change. */
import type { Command } from './command.ts';
import { stateOf } from './context.ts';
import type { Known } from './context.ts';
import { rejected } from './decision.ts';
import { valueAt } from './entity.ts';
import type { Check } from './movements.ts';
import { definitionOf, idsOf } from './named-others.ts';
import { domainOf } from './others.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { firstBroken, rulesIn } from './rules.ts';

type Checks =
  | { readonly kind: 'checks'; readonly checks: readonly Check[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** What must hold of other entities when the command commits; of those that were read it must hold now, too. */
export function checksOf(command: Command, context: object, known: Known): Checks {
  const { references = {}, reads = {} } = definitionOf(command);
  const checks: Check[] = [];
  for (const other of [...Object.values(reads), ...Object.values(references)]) {
    const of = domainOf(command.domain, other);
    const { collection } = of;
    const rules = rulesIn(other.rules, context);
    for (const id of idsOf(other, context)) {
      const state = Object.values(reads).includes(other) ? stateOf(known, collection, id) : undefined;
      const broken = state && firstBroken(rules, (path) => valueAt(of, state, path));
      if (broken) return rejected(rejections.rejectedBy(broken));
      const isHeld = state !== undefined && other.guarded !== true;
      checks.push({ collection, id, rules, ...(isHeld && { version: state.version }) });
    }
  }
  return { kind: 'checks', checks };
}
