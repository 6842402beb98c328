/** A part of the audit: what one step checks between two positions. */
import type { AuditProblem } from '../api/audit.ts';
import type { Line } from '../core/lines.ts';
import type { Run } from '../store/audit/audit-runs.ts';
import type { EntityList } from './entity-list.ts';
import type { Position } from './position.ts';
import type { AuditBackend } from './verify-entities.ts';

export interface Part {
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  readonly problems: readonly AuditProblem[];
  /** Absent at the end of the audit. */
  readonly next?: Position | undefined;
  /** Entities read, whatever for: what a call is bounded by. */
  readonly entitiesRead: number;
}

export type Heal = (tenant: string, missing: readonly Line[]) => Promise<void>;

export interface AuditContext {
  readonly backend: AuditBackend;
  readonly run: Run;
  readonly list: EntityList;
  /** Writes the lines that a tenant's statements and lists lack; who has none tells them as problems. */
  readonly heal?: Heal | undefined;
  /** Entities that the call may still read. */
  readonly entitiesMax: number;
}

/** A part in which no entity is counted. */
export const uncounted = (
  next: Position | undefined,
  problems: readonly AuditProblem[] = [],
  entitiesRead = 0,
): Part => ({ checkedEntities: 0, checkedEntries: 0, problems, next, entitiesRead });
