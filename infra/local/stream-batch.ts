/**
 * What Lambda does with one batch of stream records: retries, bisection, partial responses, age bound, discard.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */

export interface StreamPolicy {
  /** -1 is for ever, Lambda's default. */
  readonly maximumRetryAttempts: number;
  /** -1 is for ever, Lambda's default. */
  readonly maximumRecordAgeSeconds: number;
  readonly bisectBatchOnFunctionError: boolean;
  readonly reportBatchItemFailures: boolean;
}

/** The part of a record the policy looks at. */
export interface BatchRecord {
  readonly dynamodb: {
    readonly SequenceNumber: string;
    /** Epoch seconds. */
    readonly ApproximateCreationDateTime: number;
  };
}

export type DiscardReason = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export interface BatchSteps<R extends BatchRecord> {
  /** @returns the sequence numbers reported as failed; undefined when the whole invocation failed. */
  readonly invoke: (records: readonly R[]) => Promise<readonly string[] | undefined>;
  readonly discard: (records: readonly R[], reason: DiscardReason, invocations: number) => Promise<void>;
  readonly now: () => number;
  /** Waits before a retry; false when the mapping is stopped meanwhile. */
  readonly wait: (ms: number) => Promise<boolean>;
}

interface Part<R> {
  readonly records: readonly R[];
  readonly failures: number;
}

const firstWaitMs = 100;
const longestWaitMs = 5_000;

/**
 * Works a batch off in order. A shard stands still until its batch is done with.
 * @returns false when it was stopped before the end, so that nothing after the batch is begun.
 */
export async function processBatch<R extends BatchRecord>(
  records: readonly R[],
  policy: StreamPolicy,
  steps: BatchSteps<R>,
): Promise<boolean> {
  const parts: Part<R>[] = [{ records, failures: 0 }];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const fresh = await withoutExpired(part, policy, steps);
    if (fresh.length === 0) continue;
    const failed = await steps.invoke(fresh);
    const checkpoint = failed === undefined ? 0 : firstFailed(fresh, failed, policy);
    if (checkpoint === fresh.length) continue;
    const rest = fresh.slice(checkpoint);
    // Progress and halving are no retry of the same batch: neither uses up the attempts.
    if (checkpoint > 0) {
      parts.unshift({ records: rest, failures: 0 });
      continue;
    }
    if (policy.bisectBatchOnFunctionError && rest.length > 1) {
      const middle = Math.ceil(rest.length / 2);
      parts.unshift(
        { records: rest.slice(0, middle), failures: part.failures },
        { records: rest.slice(middle), failures: part.failures },
      );
      continue;
    }
    const failures = part.failures + 1;
    if (policy.maximumRetryAttempts >= 0 && failures > policy.maximumRetryAttempts) {
      await steps.discard(rest, 'RetryAttemptsExhausted', failures);
      continue;
    }
    if (!(await steps.wait(Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs)))) return false;
    parts.unshift({ records: rest, failures });
  }
  return true;
}

async function withoutExpired<R extends BatchRecord>(
  part: Part<R>,
  policy: StreamPolicy,
  steps: BatchSteps<R>,
): Promise<readonly R[]> {
  if (policy.maximumRecordAgeSeconds < 0) return part.records;
  const oldest = steps.now() / 1_000 - policy.maximumRecordAgeSeconds;
  const expired = part.records.filter((record) => record.dynamodb.ApproximateCreationDateTime < oldest);
  if (expired.length === 0) return part.records;
  await steps.discard(expired, 'RecordAgeExceeded', part.failures);
  return part.records.filter((record) => record.dynamodb.ApproximateCreationDateTime >= oldest);
}

/** Where the next attempt begins: Lambda takes the lowest of the reported sequence numbers. */
function firstFailed(
  records: readonly BatchRecord[],
  failed: readonly string[],
  policy: StreamPolicy,
): number {
  if (!policy.reportBatchItemFailures || failed.length === 0) return records.length;
  const positions = failed.map((id) => records.findIndex((record) => record.dynamodb.SequenceNumber === id));
  // An identifier that is not in the batch fails all of it.
  return Math.max(0, Math.min(...positions));
}
