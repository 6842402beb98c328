/** A definition as its author writes it, and as the engine reads it: what may be left out is filled in. */
import * as z from 'zod';
import type { AnyCommand, AnyTransition, Domain, UniqueValue } from './domain.ts';
import type { AnyMessage } from './messages.ts';
import type { Transfers } from './postings.ts';

/** Fields given by name are an object of exactly these. A schema says more: that a field follows from another one. */
export type SchemaOf<Fields> = Fields extends z.ZodObject
  ? Fields
  : Fields extends z.ZodRawShape
    ? z.ZodObject<Fields, z.core.$strict>
    : never;

/** What a transition is given; nothing is said of one without input. */
export type InputOf<Fields> = Fields extends z.ZodObject | z.ZodRawShape
  ? z.output<SchemaOf<Fields>>
  : unknown;

type Fields = z.ZodRawShape;

type WrittenCommand<Command extends AnyCommand> = Omit<Command, 'input' | 'messages' | 'transfers'> & {
  readonly input?: Fields | z.ZodObject;
  readonly transfers?: (context: unknown) => Transfers;
  readonly messages?: AnyMessage | readonly AnyMessage[];
};

type WrittenTransition = WrittenCommand<Omit<AnyTransition, 'to' | 'leads'>> & {
  readonly to?: readonly string[] | Readonly<Record<string, string>>;
};

type Attributes = Readonly<Record<string, unknown>>;
type AnyUnique = UniqueValue<string, Attributes>;
interface WrittenUnique extends Pick<AnyUnique, 'while'> {
  readonly of: AnyUnique['of'] | readonly string[];
}

type WrittenCreate = WrittenCommand<AnyCommand> & {
  readonly set?: object;
  readonly to?: string | readonly string[];
  readonly next?: (context: unknown) => string;
};

interface Written {
  readonly collection: string;
  readonly states: readonly string[];
  readonly attributes: Fields;
  readonly hidden?: Fields;
  readonly unique?: Readonly<Record<string, WrittenUnique>>;
  readonly create: WrittenCreate;
  readonly transitions: Readonly<Record<string, WrittenTransition>>;
}

/** Words that follow from others: of an author they would be lost. */
function assertNotMade({ collection, initial, transitions }: Written & { readonly initial?: unknown }): void {
  if (initial !== undefined)
    throw new Error(
      `definition "${collection}", initial: it is the first of "states"; put that state first, or say it in "to" of "create"`,
    );
  const led = Object.entries(transitions).find(([, transition]) => 'leads' in transition);
  if (led)
    throw new Error(
      `definition "${collection}", transition "${led[0]}", leads: say the end for each state in "to"`,
    );
}

/**
 * @param definition as `defineDomain` takes it; its types have been checked there
 * @throws naming a word that the engine makes itself
 */
export function asRead(definition: object): Domain {
  assertNotMade(definition as Written);
  const { attributes, hidden, unique, create, transitions, ...rest } = definition as Written;
  const starts = startsRead(create);
  return {
    ...rest,
    initial: starts?.[0] ?? rest.states[0],
    attributes: z.strictObject(attributes),
    ...(hidden && { hidden: z.strictObject(hidden) }),
    ...(unique && { unique: Object.entries(unique).map(([name, value]) => uniqueRead(name, value)) }),
    create: {
      set: ({ input }: { readonly input: object }) => input,
      ...commandRead(create),
      ...(starts && { to: starts }),
    },
    transitions: Object.fromEntries(
      Object.entries(transitions).map(([name, transition]) => [
        name,
        { ...commandRead(transition), ...endsRead(transition) },
      ]),
    ),
  } as unknown as Domain;
}

const uniqueRead = (name: string, { while: states, of }: WrittenUnique): AnyUnique => ({
  name,
  while: states,
  ...(typeof of === 'function'
    ? { of }
    : { paths: of, of: (attributes: Attributes) => textsAt(of, attributes) }),
});

/** @returns `undefined` where one of them is not there: then the entity holds none */
function textsAt(names: readonly string[], attributes: Attributes): readonly string[] | undefined {
  const texts = names.map((name) => attributes[name]);
  return texts.every((each) => typeof each === 'string') ? texts : undefined;
}

const commandRead = <Command extends WrittenCommand<AnyCommand>>({
  input,
  transfers,
  messages,
  ...rest
}: Command) => ({
  ...rest,
  ...(input && { input: input instanceof z.ZodObject ? input : z.strictObject(input) }),
  ...(transfers && { transfers: (context: unknown) => transfers(context).flat() }),
  ...(messages && { messages: [messages].flat() }),
});

/** That `next` chooses among states that nobody named is refused when it is checked. */
function startsRead({ to, next }: WrittenCreate): readonly string[] | undefined {
  if (to === undefined) return next && [];
  return [to].flat();
}

const isList = (to: WrittenTransition['to']): to is readonly string[] => Array.isArray(to);

/** Without `to` it stays where it is; that `next` chooses among ends that nobody named is refused when it is checked. */
function endsRead({ from, to, next }: WrittenTransition): Pick<AnyTransition, 'to' | 'leads'> {
  if (to === undefined) return { to: next ? [] : from };
  return isList(to) ? { to } : { to: [...new Set(Object.values(to))], leads: to };
}
