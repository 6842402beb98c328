/**
 * The deadline an entity waits for: the earliest of those that its definition has for the state it is in. It is kept with
 * the entity as it was written, so that it comes at that time whatever a later definition says.
 */
import type { Command } from './command.ts';
import type { AnyDeadline, Domain } from './domain.ts';
import type { Attributes, Due, EntityState } from './entity.ts';
import { momentAfter } from './recurrence.ts';

type State = Pick<EntityState, 'status' | 'attributes'>;

/** Epoch milliseconds; `NaN` where there is no such moment. */
const momentIn = (attributes: Attributes, name: string): number => Date.parse(String(attributes[name]));

/** Of two at one moment, the first. */
const earliest = (all: readonly Due[]): Due | undefined =>
  all.reduce<Due | undefined>((first, due) => (first && first.at <= due.at ? first : due), undefined);

/** The deadline that a definition gives an entity; none where there is no moment to wait for. */
export const dueBy = ({ deadlines = {} }: Pick<Domain, 'deadlines'>, entity: State): Due | undefined =>
  earliest(
    Object.entries(deadlines).flatMap(([transition, deadline]): Due[] => {
      if (!deadline?.while.includes(entity.status)) return [];
      const at = momentIn(entity.attributes, deadline.at);
      // An entity that is older than the deadline may lack the attribute.
      return Number.isFinite(at) ? [{ at, transition, while: deadline.while }] : [];
    }),
  );

/**
 * The deadline an entity waits for after a command. One that was written and that this definition does not have is left,
 * for as long as it is waited for: another version set it.
 */
export function dueAfter(
  domain: Domain,
  { name, dueAt }: Pick<Command, 'name' | 'dueAt'>,
  before: EntityState | undefined,
  after: State,
): Due | undefined {
  const said = dueBy(domain, after);
  const written = before?.due;
  if (dueAt !== undefined && said?.at === dueAt && said.transition === name)
    throw new Error(
      `it is due again at the moment that has come; lead out of "while", set "${domain.deadlines?.[name]?.at ?? ''}" anew, or say "every"`,
    );
  const isLeft =
    written?.while.includes(after.status) === true &&
    // What has come is over.
    dueAt === undefined &&
    !Object.hasOwn(domain.deadlines ?? {}, written.transition);
  return earliest([...(said ? [said] : []), ...(isLeft ? [written] : [])]);
}

/** What a deadline that comes again sets when it has come: its next moment. */
export function movedOn(
  { domain: { deadlines = {} }, name, dueAt }: Pick<Command, 'domain' | 'name' | 'dueAt'>,
  attributes: Attributes,
): Attributes {
  const deadline: AnyDeadline | undefined = Object.hasOwn(deadlines, name) ? deadlines[name] : undefined;
  if (dueAt === undefined || deadline?.every === undefined || deadline.since === undefined) return {};
  const since = momentIn(attributes, deadline.since);
  if (Number.isNaN(since))
    throw new Error(`it comes again every ${deadline.every} since "${deadline.since}", which is not there`);
  return { [deadline.at]: new Date(momentAfter(deadline.every, since, dueAt)).toISOString() };
}

/** For people: when a transition happens by itself, e.g. `at renewsAt, every month`; nothing where it does not. */
export function whenByItself(
  { deadlines = {} }: Pick<Domain, 'deadlines'>,
  transition: string,
): string | undefined {
  const deadline = Object.hasOwn(deadlines, transition) ? deadlines[transition] : undefined;
  return deadline && `at \`${deadline.at}\`${deadline.every ? `, every ${deadline.every}` : ''}`;
}
