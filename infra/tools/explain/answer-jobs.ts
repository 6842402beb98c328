/**
 * Messages whose answers move an entity: where the receiver says yes, the worker keeps the answer and commits the
 * transition. What that costs depends on the transition, so each has a case of its own, named as routes are.
 */
import type { Domain } from '../../../functions/core/definition.ts';
import { exampleBody } from '../../../functions/core/examples.ts';
import type { ExampleBody } from '../../../functions/core/examples.ts';
import { messagesOf } from '../../../functions/core/registry.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { exampleOf } from '../../../functions/docs/example-order.ts';
import { recordSent } from '../../../functions/store/outbox/messages.ts';
import { openMessage } from './answer-step.ts';
import { exampleStep, publicCommands } from './cases.ts';
import { delivery } from './delivery.ts';
import type { Step } from './request-case.ts';
import type { JobCase, Run, Work } from './run.ts';
import { standardNow } from './workbench.ts';

/** A message that nothing follows from. */
export const plainDelivery = 'worker: one message';

/** @param done a collection and its transition, e.g. `payments/captured` */
export const answeredDelivery = (done: string): string => `ANSWER /v1/${done.replace('/', '/{id}/')}`;

/** @returns the collection and the transition, where a case has such a name */
export const doneOf = (name: string): string | undefined =>
  /^ANSWER \/v1\/(.*)$/.exec(name)?.[1]?.replace('/{id}/', '/');

/**
 * @param registry of definitions with examples. A transition has no case where no example of a public command sends a
 *   message that asks for it.
 */
export const answerJobsOf = (registry: Registry): readonly JobCase[] =>
  registry.domains.flatMap((domain) =>
    Object.entries(domain.transitions).flatMap(([done, { input }]): readonly JobCase[] => {
      const sent = sentFor(registry, domain, done);
      if (!sent) return [];
      const { type, before } = sent;
      const name = answeredDelivery(`${domain.collection}/${done}`);
      // Examples take the same unique values each time.
      return [
        { name, isApart: true, before, job: (run) => delivered(run, type, input ? exampleBody(input) : {}) },
      ];
    }),
  );

/** A message that a yes to which brings a transition about, and the steps after which it is sent. */
function sentFor(
  registry: Registry,
  domain: Domain,
  done: string,
): { readonly type: string; readonly before: readonly Step[] } | undefined {
  const commands = publicCommands(domain);
  for (const { command, message } of messagesOf(domain)) {
    if (message.done !== done || !commands.includes(command)) continue;
    const example = exampleOf(registry, domain, command, standardNow);
    const { after, messages = [] } = example;
    if (after === undefined || !messages.some(({ type }) => type === message.type)) continue;
    return { type: message.type, before: [...after, example].map((step) => exampleStep(step, example)) };
  }
  return undefined;
}

/** Has the relay send an entity's message. @returns its delivery to a worker whose receiver says yes */
async function delivered(run: Run, type: string, result: ExampleBody): Promise<Work> {
  const { bench, tenant } = run;
  const { id, topic } = await openMessage(bench, { tenant, entity: run.id('it'), type });
  const message = { id, tenant, topic, run: 1 };
  await recordSent(bench.outbox, message);
  return delivery(bench, message, { kind: 'done', result });
}
