/** Which failures of a call to AWS leave open whether it happened. */

/**
 * A lost connection, a timeout, throttling and a 5xx may come before or after the service did its work. Anything
 * else (a malformed request, no permission) is a defect and is not worth a retry.
 */
export function mayHaveHappened(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, $fault } = error as { $metadata?: { httpStatusCode?: number }; $fault?: string };
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return $fault !== 'client';
  return status >= 500 || status === 429 || transientNames.has(error.name);
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html: retry, all answered 400. */
const transientNames: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
  'TransactionInProgressException',
  'LimitExceededException',
  'ReplicatedWriteConflictException',
]);
