/** What an entity has, as its schemas and its states say it to the compiler. */
import type { z } from 'zod';
import type { SchemaOf } from './as-read.ts';
import type { Subject } from './domain.ts';

/** Fields by name, as a definition gives them. */
export type Shape = z.ZodRawShape;

/** Its attributes, those that are kept and not shown among them. */
export type Known<Shown extends Shape, Hidden> = ValuesOf<Shown> &
  (Hidden extends Shape ? ValuesOf<Hidden> : unknown);

/** An object without fields allows nothing at all; of an entity it says nothing. */
export type ValuesOf<Of extends Shape> = [keyof Of] extends [never] ? unknown : z.output<SchemaOf<Of>>;

export type OptionalKeys<Attributes> = {
  readonly [K in keyof Attributes]-?: undefined extends Attributes[K] ? K : never;
}[keyof Attributes];

/** With its balances, too: for examples alone, since a decision cannot rely on them. */
export type Shown<Self extends Subject, Always, From> = EntityIn<Self, Always, From> &
  Readonly<Record<Self['account'], number>>;

/** An entity in one of these states: what is always there then is not optional. */
export type EntityIn<Self extends Subject, Always, From> = Self['attributes'] & {
  readonly [
    K in keyof Always & keyof Self['attributes'] as [From] extends [Element<Always[K]>] ? K : never
  ]-?: Exclude<Self['attributes'][K], undefined>;
} & { readonly status: From };

type Element<List> = List extends readonly (infer Entry)[] ? Entry : never;
