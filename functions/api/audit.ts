/** The audit as the API calls it: a bounded part of a tenant's data a call. */
export interface AuditProblem {
  readonly entity?: string;
  readonly seq?: number;
  readonly account?: string;
  readonly problem: string;
}

export interface AuditPage {
  /** Whether this part has no problem. */
  readonly ok: boolean;
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  readonly problems: readonly AuditProblem[];
  readonly nextCursor?: string;
}

export type Audit = (tenant: string, cursor: string | undefined) => Promise<AuditPage>;
