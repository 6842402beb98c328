/** Which failures of a call to AWS leave open whether it happened. */

/**
 * A lost connection, a timeout, throttling and a 5xx may come before or after the service did its work. Anything
 * else (a malformed request, no permission) is a defect and is not worth a retry. Throttling and a conflict write nothing,
 * but the client may have sent the request before, and that one may have done its work.
 */
export function mayHaveHappened(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status === undefined) return isOfTheWay(error);
  // An answer of success that could not be read to its end came after the work was done.
  return status < 400 || status >= 500 || status === 429 || transientNames.has(error.name);
}

/**
 * Whether an error that is no answer comes from the way to the service. The client's own timeouts and aborts have a
 * name, the network's failures a code (`ECONNRESET`); what has neither was thrown before anything was sent.
 */
function isOfTheWay(error: Error): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true;
  if (typeof code === 'string' && /^(?:E[A-Z]+|EAI_[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code)) return true;
  // The client marks what went wrong between sending and reading an answer.
  return '$metadata' in error || (cause instanceof Error && isOfTheWay(cause));
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
