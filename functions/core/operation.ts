/** What an operator did: an entry of the log that is only ever added to. */
import type { LetterMatch } from './redrive-run.ts';

/** Named as their operations in the OpenAPI document are. */
export const operationNames = [
  'redriveMessage',
  'redriveMessages',
  'resolveMessage',
  'beginRedrive',
  'stopRedrive',
] as const;

export interface Operation {
  /** `op_<ULID>`: by time. */
  readonly id: string;
  readonly tenant: string;
  readonly operation: (typeof operationNames)[number];
  /** Subject of the token. */
  readonly by: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly requestId: string;
  /** The message that it was about. */
  readonly message?: string | undefined;
  /** The redrive run that it was about. */
  readonly run?: string | undefined;
  /** Which messages: of a run, or of a bulk redrive. */
  readonly match?: LetterMatch | undefined;
  /** Of a message that was resolved: what was said. */
  readonly outcome?: 'done' | 'refused' | undefined;
  /** Why. */
  readonly note?: string | undefined;
}
