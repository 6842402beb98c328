/**
 * CloudWatch metrics of our own, written by the functions in the embedded metric format. The alarms and the
 * dashboard are made from the same names. Each metric has the one dimension `stage`.
 */
export const metricNamespace = 'CommitOnce';

export const metricNames = {
  /** Problems the nightly audit found: 0 is written too, so that a missing value means a missing run. */
  auditProblems: 'AuditProblems',
} as const;
