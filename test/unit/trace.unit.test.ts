import { describe, expect, test } from 'vitest';
import { traceparentOfInvocation, xrayHeaderOf } from '../../functions/runtime/trace.ts';

const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';

describe('a trace', () => {
  test('goes from X-Ray’s spelling to W3C’s and back', () => {
    expect(traceparentOfInvocation({ _X_AMZN_TRACE_ID: header })).toBe(traceparent);
    expect(xrayHeaderOf(traceparent)).toBe(header);
  });

  test('that is not sampled stays so', () => {
    const unsampled = header.replace('Sampled=1', 'Sampled=0');
    const parsed = traceparentOfInvocation({ _X_AMZN_TRACE_ID: `${unsampled};Lineage=1:fc3b4ff1:0` });
    expect(parsed).toBe(traceparent.replace(/01$/, '00'));
    expect(xrayHeaderOf(parsed ?? '')).toBe(unsampled);
  });

  test.each([
    undefined,
    '',
    'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1',
    'Parent=53995c3f42cd8ad8;Sampled=1',
    'Root=x;Parent=y',
  ])('is none where Lambda says %j', (value) => {
    expect(traceparentOfInvocation({ _X_AMZN_TRACE_ID: value })).toBeUndefined();
  });
});
