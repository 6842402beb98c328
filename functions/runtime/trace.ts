/**
 * One trace from a request to what follows from it. Between us and others it is W3C's trace context; where AWS reads
 * it, it is X-Ray's header, which holds the same ids in another spelling.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */

/**
 * The trace that Lambda has begun for this invocation, as a `traceparent`.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (`_X_AMZN_TRACE_ID`)
 * @returns `undefined` where there is none, as on one machine
 */
export function traceparentOfInvocation(
  source: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const header = source['_X_AMZN_TRACE_ID'] ?? '';
  const [, time, rest] = /\bRoot=1-([0-9a-f]{8})-([0-9a-f]{24})\b/.exec(header) ?? [];
  const [, parent] = /\bParent=([0-9a-f]{16})\b/.exec(header) ?? [];
  if (time === undefined || rest === undefined || parent === undefined) return undefined;
  return `00-${time}${rest}-${parent}-${/\bSampled=1\b/.test(header) ? '01' : '00'}`;
}

/** A well-formed `traceparent` as X-Ray's header, by which SQS and Lambda carry a trace on. */
export function xrayHeaderOf(traceparent: string): string {
  const [, trace = '', parent = '', flags = ''] = traceparent.split('-');
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return `Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Parent=${parent};Sampled=${isSampled ? 1 : 0}`;
}
