/** The work that no request asks for: relay, workers and sweeper, on the same recorded store. */
import { domains } from '../../../functions/application.ts';
import { registerDomains } from '../../../functions/core/registry.ts';
import { sweep } from '../../../functions/runtime/delivery-limits.ts';
import { request } from '../../../functions/runtime/limits.ts';
import {
  readDueKeys,
  readPosition,
  readWaiting,
  writePosition,
} from '../../../functions/store/outbox/due-timers.ts';
import { messageId } from '../../../functions/store/outbox/message-items.ts';
import { recordSent } from '../../../functions/store/outbox/messages.ts';
import { walkOpen } from '../../../functions/store/outbox/open-messages.ts';
import { writeLines } from '../../../functions/store/statements/lines.ts';
import { answerJobsOf, plainDelivery } from './answer-jobs.ts';
import { hold, move, pay, payCaptured, show } from './cases.ts';
import { runTimer } from './deadline-step.ts';
import { delivery } from './delivery.ts';
import type { DeliveredMessage } from './delivery.ts';
import type { JobCase, Run } from './run.ts';
import { tenant } from './workbench.ts';
import type { Workbench } from './workbench.ts';

/** Lets an entity expire, as the worker of its timer does when the time has come. */
export const expire = (bench: Workbench, entity: string, waitMs: number): Promise<void> =>
  runTimer(bench, { tenant, entity, transition: 'expire' }, bench.clock.now() + waitMs);

const holdMs = 600_000;
const holdRunsOut = (run: Run) => () => expire(run.bench, run.id('it'), holdMs);

/** The receipt of a payment whose money was taken: nothing follows from it. */
const receiptOf = (run: Run): DeliveredMessage => ({
  id: messageId(run.id('it'), 3, 0),
  tenant,
  topic: 'notification',
  run: 1,
});

export const jobs: readonly JobCase[] = [
  {
    name: 'relay: one message',
    before: payCaptured,
    job: (run) => () => recordSent(run.bench.outbox, receiptOf(run)),
  },
  {
    name: plainDelivery,
    before: payCaptured,
    job: async (run) => {
      await recordSent(run.bench.outbox, receiptOf(run));
      const result = { messageId: `<${'0'.repeat(36)}@example.com>` };
      return delivery(run.bench, receiptOf(run), { kind: 'done', result });
    },
  },
  ...answerJobsOf(registerDomains(domains)),
  { name: 'timer: a hold that runs out', before: [show, hold], job: holdRunsOut },
  {
    name: 'timer: a hold that was confirmed',
    before: [show, hold, move('reservations', 'confirm')],
    job: holdRunsOut,
  },
  {
    name: 'POST /v1/messages/{id}/redrive',
    before: payCaptured,
    job: async (run) => {
      const receipt = receiptOf(run);
      await delivery(run.bench, receipt, { kind: 'undeliverable', code: 'refused', reason: 'No.' })();
      return () => run.bench.send({ method: 'POST', path: `/v1/messages/${receipt.id}/redrive` });
    },
  },
  {
    // No request writes the lines of a list: the stream does.
    name: 'GET /v1/payments (by payer)',
    before: [pay],
    job: async (run) => {
      const { probe, tables, send } = run.bench;
      const all = await send({ method: 'GET', path: `/v1/payments?limit=${request.pageDefault + 1}` });
      const payments = all.json['items'] as readonly { id: string; payer: string }[];
      const value = payments[0]?.payer ?? '';
      const listed = { collection: 'payments', attribute: 'payer', value, seq: 1, at: '' };
      await writeLines(
        { client: probe, tables },
        payments.map(({ id }) => ({ kind: 'listed', tenant, line: { ...listed, entity: id } })),
      );
      return () => send({ method: 'GET', path: `/v1/payments?payer=${encodeURIComponent(value)}` });
    },
  },
  {
    name: 'sweeper: open messages',
    job: (run) => () => {
      const walk = { pageSize: sweep.pageSize, visit: () => Promise.resolve(), hasTime: () => true };
      return walkOpen(run.bench.outbox, sweep.segments, walk);
    },
  },
  {
    name: 'sweeper: due timers',
    job: (run) => async () => {
      const { client, tables } = run.bench.backend.store;
      const range = { from: 0, until: run.bench.clock.now() };
      await readPosition(client, tables.outbox);
      // As where more wait than one request tells: it costs the same however many they are.
      const few = 1;
      const due = await readDueKeys(client, tables.data, range, sweep.timersPerShard, few);
      await readWaiting(client, tables.data, due.keys);
      await writePosition(client, tables.outbox, { sweptUntil: range.until });
    },
  },
];
