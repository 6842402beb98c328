/** G18: only what its receiver has signed is an answer of a message. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, vi } from 'vitest';
import type * as Signature from '../../functions/runtime/webhook-signature.ts';
import { startAnswerLab } from '../support/faults/answer-lab.ts';
import type { AnswerLab } from '../support/faults/answer-lab.ts';
import type { Violation } from '../support/faults/checker.ts';
import { clientsOf } from '../support/faults/delivery.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { silent } from '../support/outbox.ts';

let lab: AnswerLab;
beforeAll(async () => {
  lab = await startAnswerLab();
});
afterAll(() => lab.stop());

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const module = '../../functions/runtime/webhook-signature.ts';

guarantee(
  'G18 an answer is taken once, and from its receiver alone',
  async (broken?: () => void): Promise<readonly Violation[]> => {
    vi.resetModules();
    broken?.();
    const { startBackend } = await import('../support/backend.ts');
    const { signatureHeaders } = await import('../../functions/runtime/webhook-signature.ts');
    vi.doUnmock(module);
    const { outbox } = lab;
    const { request, backend } = await startBackend({
      tables: outbox.tables,
      clock: outbox.clock,
      log: silent,
      settingsOf: () => ({ url: 'http://127.0.0.1:9', secrets: () => Promise.resolve([secret]) }),
    });
    // The receiver took it, acts, and says so later. Before that somebody else says no.
    const sent = await lab.send({ call: 'capture', event: 'it takes it and calls back' });
    const clients = clientsOf(outbox);
    await lab.deliver(sent, clients);
    const rawBody = JSON.stringify({ id: sent.message.id, outcome: 'refused', reason: 'no money' });
    const headers = signatureHeaders(['another secret'], randomUUID(), rawBody, outbox.clock.now());
    await request('POST', '/callbacks/payments', {
      rawBody,
      headers: { ...headers, 'content-type': 'application/json' },
      anonymous: true,
    });
    await lab.settle(sent);
    clients.destroy();
    backend.store.client.destroy();
    return lab.violations(sent);
  },
  {
    'a callback is taken whoever signed it': () => {
      vi.doMock(module, async (original) => ({
        ...(await original<typeof Signature>()),
        isSigned: () => true,
      }));
    },
  },
);
