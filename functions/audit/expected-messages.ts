/** Which messages an entry must have caused: the definition is asked again, on the state folded from the ledger. */
import type { z } from 'zod';
import type { Domain, TransitionSituation } from '../core/definition.ts';
import type { Attributes, EntityState } from '../core/entity.ts';
import { secretFields } from '../core/fields.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { draftsOf } from '../core/messages.ts';
import type { MessageDraft } from '../core/messages.ts';
import type { Topic } from '../runtime/topics.ts';

/** What can be told of a message without the secrets and the randomness its payload may hold. */
export interface ExpectedMessage {
  readonly topic: Topic;
  readonly type: string;
}

/** Reads the entities that a command moved, as they are now. */
export type ReadOthers = (ids: readonly string[]) => Promise<readonly EntityState[]>;

export interface Step {
  readonly domain: Domain;
  readonly id: string;
  readonly entry: LedgerEntry;
  readonly before: Attributes;
  /** Balances before, as far as the entity's own ledger tells them. */
  readonly balances: Readonly<Record<string, number>>;
  readonly after: Attributes;
}

/**
 * A stand-in for the random bits of a creation and for secret input, which no ledger keeps: it reaches payloads
 * only, never the number, the topic or the type of messages.
 */
const forgotten = 'forgotten-0000000000000';

/** @returns `undefined` where the definition cannot tell any more */
export async function expectedMessages(
  step: Step,
  readOthers: ReadOthers,
): Promise<readonly ExpectedMessage[] | undefined> {
  try {
    const drafts = step.entry.from === null ? ofCreation(step) : await ofTransition(step, readOthers);
    return drafts.map(({ topic, type }) => ({ topic, type }));
  } catch (error) {
    // A definition may trip over what the ledger does not keep; a failed read is no such thing.
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function ofCreation({ domain, id, entry, after }: Step): readonly MessageDraft[] {
  const situation = {
    id,
    input: withForgotten(domain.create.input, entry.data),
    actor: entry.actor,
    roles: [],
    now: Date.parse(entry.at),
    random: forgotten,
    after: { ...after, status: entry.to },
  };
  return draftsOf(domain.create.messages, situation);
}

async function ofTransition(
  { domain, id, entry, before, balances, after }: Step,
  readOthers: ReadOthers,
): Promise<readonly MessageDraft[]> {
  const transition = domain.transitions[entry.command];
  if (!transition?.messages) return [];
  const situation: Omit<TransitionSituation<unknown, unknown>, 'others'> = {
    id,
    input: withForgotten(transition.input, entry.data),
    actor: entry.actor,
    roles: [],
    now: Date.parse(entry.at),
    entity: { ...before, ...balances, status: entry.from ?? '' },
  };
  const moves = transition.moves?.(situation) ?? [];
  const others = moves.length > 0 ? await readOthers(moves.map((move) => move.id)) : [];
  return draftsOf(transition.messages, { ...situation, others, after: { ...after, status: entry.to } });
}

function withForgotten(input: z.ZodObject | undefined, data: Attributes): Record<string, unknown> {
  const secrets = input ? [...secretFields(input)] : [];
  return { ...Object.fromEntries(secrets.map((name) => [name, forgotten])), ...data };
}
