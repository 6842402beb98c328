import type { Log } from '../runtime/logger.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import { retry } from './receiver.ts';
import type { Received, Receiver } from './receiver.ts';

/**
 * Calls a receiver for as long as its topic allows. A receiver that does not heed the signal is left behind: its
 * call has failed, whatever it does later.
 */
export async function callReceiver(
  receiver: Receiver,
  message: MessageItem,
  timeoutMs: number,
  log: Log,
): Promise<Received> {
  const controller = new AbortController();
  const timedOut = new Promise<Received>((resolve) => {
    controller.signal.addEventListener('abort', () => {
      resolve(retry('timeout', `The receiver took longer than ${timeoutMs} ms.`));
    });
  });
  const timer = setTimeout(() => {
    controller.abort();
  }, timeoutMs);
  const answered = (async (): Promise<Received> => {
    try {
      return await receiver(message, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return await timedOut;
      log.error('receiver threw', { messageId: message.id, error: error as Error });
      return retry('receiver_failed', 'The receiver could not be called.');
    }
  })();
  try {
    return await Promise.race([timedOut, answered]);
  } finally {
    clearTimeout(timer);
  }
}
