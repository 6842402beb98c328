/** The record of a message's attempts, and one call of its receiver. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../functions/runtime/logger.ts';
import { callReceiver } from '../../functions/workers/call-receiver.ts';
import { lastCallEnded, withCall } from '../../functions/workers/calls.ts';
import { answeredCall, callsOf } from '../../functions/store/outbox/call-records.ts';
import type { CallRecord } from '../../functions/store/outbox/call-records.ts';
import { madeMessage } from '../support/messages.ts';

const at = '2026-11-26T12:00:00.000Z';
const call: CallRecord = { kind: 'call', run: 1, attempt: 2, at, code: '500', reason: 'x', certain: false };
const message = { ...madeMessage(Date.parse(at)), attempts: 2 };

describe('a call that its receiver simply answered', () => {
  const simply = { ...answeredCall, run: 1, attempt: 2, at, code: 'done', sent: 'POST to bank' };

  it('is kept without what all such calls have in common, and read with it', () => {
    const calls = withCall(message, simply);
    expect(calls).toStrictEqual([{ run: 1, attempt: 2, at, code: 'done', sent: 'POST to bank' }]);
    expect(callsOf({ calls })).toStrictEqual([simply]);
    expect(callsOf({})).toStrictEqual([]);
    expect(lastCallEnded({ ...message, calls })).toBe(Date.parse(at));
  });

  it.each<Partial<CallRecord>>([{ kind: 'inquiry' }, { certain: false }, { reason: 'Refused.' }])(
    'is none with %j: that one is kept whole',
    (unusual) => {
      const one: CallRecord = { ...simply, ...unusual };
      expect(withCall({ ...message, calls: [call] }, one)).toStrictEqual([call, one]);
      expect(callsOf({ calls: [call, one] })).toStrictEqual([call, one]);
    },
  );
});

describe('the last call of a message ended', () => {
  it('when its record says, of this attempt of this run', () => {
    expect(lastCallEnded({ ...message, calls: [call] })).toBe(Date.parse(at));
    const inquiry: CallRecord = { ...call, kind: 'inquiry', at: '2026-11-26T12:00:09.000Z' };
    expect(lastCallEnded({ ...message, calls: [call, inquiry] })).toBe(Date.parse(at));
  });

  it('at no time that is known where its worker did not live to tell', () => {
    expect(lastCallEnded(message)).toBe(0);
    expect(lastCallEnded({ ...message, calls: [{ ...call, attempt: 1 }] })).toBe(0);
    expect(lastCallEnded({ ...message, run: 2, calls: [call] })).toBe(0);
  });
});

describe('a receiver that throws', () => {
  const logged: string[] = [];
  const write = (words: string): void => void logged.push(words);
  const log: Log = { debug: write, info: write, warn: write, error: write };

  it('is a line of the log', async () => {
    logged.splice(0);
    const { came } = await callReceiver(() => Promise.reject(new Error('internals')), message, 5_000, log);
    expect(came).toMatchObject({ code: 'receiver_failed' });
    expect(logged).toEqual(['receiver threw']);
  });

  it('is none where it heeds the signal: it was told to stop', async () => {
    logged.splice(0);
    let hasStopped = false;
    const heeding = async (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
      try {
        return await sleep(60_000, undefined as never, { signal });
      } finally {
        hasStopped = true;
      }
    };
    const { came } = await callReceiver(heeding, message, 1, log);
    expect(came).toMatchObject({ code: 'timeout' });
    await sleep(0);
    expect([hasStopped, logged]).toEqual([true, []]);
  });
});
