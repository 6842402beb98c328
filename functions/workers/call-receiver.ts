import type { Log } from '../runtime/logger.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import { didNotAct, mayHaveActed } from './receiver.ts';
import type { Failure, Inquire, Inquired, OngoingCall, Received, Receiver } from './receiver.ts';

/** What came of a call, and what was sent in it. */
export interface Called<Came> {
  readonly came: Came;
  readonly sent?: string | undefined;
}

/**
 * Calls a receiver for as long as its topic allows. A receiver that does not heed the signal is left behind: its
 * call has failed, whatever it does later. Whether it may have acted follows from what it said of the call until then.
 */
export const callReceiver = (
  receiver: Receiver,
  message: MessageItem,
  timeoutMs: number,
  log: Log,
): Promise<Called<Received>> =>
  withinTime((call) => receiver(message, call), timeoutMs, {
    failed: ({ code, reason }, isSent) => (isSent ? mayHaveActed : didNotAct)(code, reason),
    log,
    messageId: message.id,
  });

/** Asks a receiver what became of a message, in the same time. */
export const askReceiver = (
  inquire: Inquire,
  message: MessageItem,
  timeoutMs: number,
  log: Log,
): Promise<Called<Inquired>> =>
  withinTime((call) => inquire(message, call), timeoutMs, {
    failed: (failure) => ({ kind: 'no_answer', ...failure }),
    log,
    messageId: message.id,
  });

interface Bounds<Came> {
  readonly failed: (failure: Failure, isSent: boolean) => Came;
  readonly log: Log;
  readonly messageId: string;
}

async function withinTime<Came>(
  work: (call: OngoingCall) => Promise<Came>,
  timeoutMs: number,
  { failed, log, messageId }: Bounds<Came>,
): Promise<Called<Came>> {
  const controller = new AbortController();
  const call: OngoingCall = { signal: controller.signal, isSent: true };
  const timedOut = new Promise<Came>((resolve) => {
    controller.signal.addEventListener('abort', () => {
      const reason = `The receiver took longer than ${timeoutMs} ms.`;
      resolve(failed({ code: 'timeout', reason }, call.isSent));
    });
  });
  const timer = setTimeout(() => {
    controller.abort();
  }, timeoutMs);
  const answered = (async (): Promise<Came> => {
    try {
      return await work(call);
    } catch (error) {
      if (controller.signal.aborted) return await timedOut;
      log.error('receiver threw', { messageId, error: error as Error });
      return failed({ code: 'receiver_failed', reason: 'The receiver could not be called.' }, call.isSent);
    }
  })();
  try {
    return { came: await Promise.race([timedOut, answered]), sent: call.sent };
  } finally {
    clearTimeout(timer);
  }
}
