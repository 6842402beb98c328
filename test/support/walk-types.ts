/** What a walk takes and tells. */
import type { EntityState } from '../../functions/core/entity.ts';
import type { Reply } from './backend.ts';
import type { Extent, Input } from './examples.ts';
import type { Dump } from './table-dump.ts';

/** What a caller sends for a transition. */
export interface Prepared {
  readonly input: Input;
  readonly actor: string;
  /** Every one, where none is said. */
  readonly roles?: readonly string[] | undefined;
}

/** Entities to refer to, by collection, instead of new ones. */
export type Given = Readonly<Record<string, string>>;

export interface CreateOptions {
  readonly extent?: Extent;
  readonly given?: Given;
  /** Fields that differ from the example. */
  readonly input?: Input;
  /** Who creates it, where it is not for who may. */
  readonly actor?: string | undefined;
}

/** A command that was sent, and the tables around it. */
export interface Observation {
  readonly entity: EntityState;
  readonly name: string;
  readonly prepared: Prepared;
  readonly before: Dump;
  readonly after: Dump;
  readonly reply: Reply;
}

/** A way that the definitions do not let anybody go, and why. */
export class NoWay extends Error {
  override readonly name = 'NoWay';
}

/** A creation that was refused, with the cure for who wrote the definition. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** Whether it says that there is no way, by whatever was refused, and nothing else has failed. */
export const isClosedWay = (error: unknown): error is NoWay | Refused =>
  error instanceof NoWay || error instanceof Refused;
