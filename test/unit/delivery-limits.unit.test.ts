import { describe, expect, test } from 'vitest';
import { database, delivery, lease, queueService, sweep } from '../../functions/runtime/delivery-limits.ts';
import { queue, retryAfterMaxMs, topicPolicies, topics } from '../../functions/runtime/topics.ts';

describe.each(topics)('the policy of %s', (topic) => {
  const policy = topicPolicies[topic];

  test('holds a lease for as long as its function lives, and its calls end before', () => {
    expect(policy.callTimeoutMs + lease.marginMs).toBeGreaterThanOrEqual(
      policy.functionTimeoutSeconds * 1000,
    );
    expect(policy.functionTimeoutSeconds * 1000).toBeGreaterThan(policy.callTimeoutMs);
  });

  test('ends before SQS moves the message by itself, turned away by a lease once an attempt', () => {
    expect(queue.maxReceiveCount).toBeGreaterThanOrEqual(2 * policy.attempts);
  });

  test('waits less than a message may be hidden', () => {
    expect(policy.maxDelayMs).toBeLessThanOrEqual(delivery.visibilityMaxSeconds * 1000);
  });

  test('is over before its messages are', () => {
    expect(policy.attempts * (policy.maxDelayMs + policy.callTimeoutMs)).toBeLessThan(
      queue.retentionDays * 86_400_000,
    );
  });
});

test('a receiver may ask for no longer than a message can be hidden', () => {
  expect(retryAfterMaxMs).toBeLessThan(delivery.visibilityMaxSeconds * 1000);
});

test('clients give up within a request’s time', () => {
  for (const { attempts, requestTimeoutMs } of [database, queueService]) {
    expect(attempts * requestTimeoutMs).toBeLessThan(10_000);
  }
});

test('the sweeper looks after nothing that a worker may still be at', () => {
  for (const { callTimeoutMs } of Object.values(topicPolicies)) {
    expect(sweep.graceSeconds * 1000).toBeGreaterThan(callTimeoutMs + lease.marginMs);
  }
});
