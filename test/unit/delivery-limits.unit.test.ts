import { describe, expect, test } from 'vitest';
import {
  database,
  delivery,
  lease,
  queueService,
  sweep,
  workerCall,
} from '../../functions/runtime/delivery-limits.ts';
import { message, request, sweeperFunction } from '../../functions/runtime/limits.ts';
import {
  queue,
  retryAfterMaxMs,
  timerPolicy,
  topicPolicies,
  topics,
} from '../../functions/runtime/topics.ts';

describe.each(topics)('the policy of %s', (topic) => {
  const policy = topicPolicies[topic];

  test('holds a lease for as long as its function lives, and its calls end before', () => {
    expect(policy.callTimeoutMs + lease.marginMs).toBeGreaterThanOrEqual(
      policy.functionTimeoutSeconds * 1000,
    );
    expect(policy.functionTimeoutSeconds * 1000).toBeGreaterThan(policy.callTimeoutMs);
  });

  test('has time for the worst delivery: claim, order, place, call, answer, transition, and hiding it by way of its queue’s URL', () => {
    const { databaseMs, queueMs, answerMs } = workerCall;
    const worstMs = 3 * databaseMs + policy.callTimeoutMs + databaseMs + answerMs + databaseMs + 2 * queueMs;
    expect(worstMs).toBeLessThan(policy.functionTimeoutSeconds * 1000);
    // Where no attempt is left: two claims, no call, a record.
    expect(3 * databaseMs + 2 * queueMs).toBeLessThan(policy.functionTimeoutSeconds * 1000);
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

test('a scheduled transition has time for its command and for hiding its delivery', () => {
  expect(request.deadlineMs + 2 * workerCall.queueMs).toBeLessThan(timerPolicy.functionTimeoutSeconds * 1000);
});

test('three tries of a worker’s call to the database fit into its time', () => {
  const { databaseMs, databaseRequestTimeoutMs } = workerCall;
  expect(database.attempts * databaseRequestTimeoutMs).toBeLessThan(databaseMs);
});

test('a sweep keeps back less than half of its function’s time, and opens fewer sockets than the SDK has', () => {
  expect(2 * sweep.reserveMs).toBeLessThan(sweeperFunction.timeoutSeconds * 1000);
  expect(sweep.segments * sweep.writesPerSegment).toBeLessThan(50);
});

test('the attempts of a message fit into a small part of its item, and hold a run of every policy', () => {
  const { callsMax, callReasonMaxBytes } = message;
  // A reason, and some 256 bytes of names, code, time and what was sent.
  expect(callsMax * (callReasonMaxBytes + 256)).toBeLessThanOrEqual(8 * 1024);
  for (const { attempts } of Object.values(topicPolicies)) expect(callsMax).toBeGreaterThanOrEqual(attempts);
});
