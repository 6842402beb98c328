/** A command as decisions see it. */
import type { Domain } from './domain.ts';

export interface Command {
  readonly tenant: string;
  readonly domain: Domain;
  /** `create`, or a transition's name. */
  readonly name: string;
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly actor: string;
  /** Of the token; absent where the backend itself acts, which needs nobody's leave. */
  readonly roles?: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** 128 random bits, base64url. */
  readonly random: string;
  /** 128 other random bits, base64url, that nobody is shown: what it creates has its ids and its own bits from them. */
  readonly seed: string;
  /** The version the caller saw. */
  readonly ifMatch?: number;
  readonly lockToken?: string;
  /** Of a scheduled transition: the deadline that has come, epoch milliseconds. */
  readonly dueAt?: number;
}
