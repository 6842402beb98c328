import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageBatchCommand, SQSServiceException } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { delivery, queueService as limits } from '../runtime/delivery-limits.ts';
import { xrayHeaderOf } from '../runtime/trace.ts';

export interface Outgoing {
  /** Makes the JSON of one try: one that is tried again may be in the queue twice, as two copies. */
  readonly body: () => string;
  readonly group: string;
  readonly delaySeconds?: number;
  /** W3C trace context of the request that it follows from. */
  readonly traceparent?: string | undefined;
}

/** What became of one message; `refused`: it, or the queue, will not take it however often one tries. */
export type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Requests to one queue at once. */
const concurrency = 4;

/**
 * Sends messages to a queue, ten a request. One that fails leaves the others be, and is tried again a few times.
 * @param sqs one that does not repeat requests by itself (`createSendingClient`)
 * @returns one outcome a message, in the order of the messages. Never throws for what SQS answers.
 */
export async function sendAll(
  sqs: SQSClient,
  queueUrl: string,
  messages: readonly Outgoing[],
): Promise<Sent[]> {
  const batches: Outgoing[][] = [];
  for (let start = 0; start < messages.length; start += delivery.sendBatchSize) {
    batches.push(messages.slice(start, start + delivery.sendBatchSize));
  }
  return (await pMap(batches, (batch) => sendBatch(sqs, queueUrl, batch), { concurrency })).flat();
}

async function sendBatch(sqs: SQSClient, queueUrl: string, batch: readonly Outgoing[]): Promise<Sent[]> {
  const outcomes = await trySending(sqs, queueUrl, batch);
  for (let attempt = 1; attempt < limits.attempts; attempt += 1) {
    const failed = batch.flatMap((message, index) =>
      outcomes[index]?.kind === 'failed' ? [{ message, index }] : [],
    );
    if (failed.length === 0) break;
    await sleep(limits.pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    const again = failed.map(({ message }) => message);
    for (const [place, outcome] of (await trySending(sqs, queueUrl, again)).entries()) {
      const index = failed[place]?.index;
      if (index !== undefined) outcomes[index] = outcome;
    }
  }
  return outcomes;
}

async function trySending(sqs: SQSClient, queueUrl: string, batch: readonly Outgoing[]): Promise<Sent[]> {
  try {
    const { Successful = [], Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: batch.map(({ body, group, delaySeconds, traceparent }, index) => ({
          Id: String(index),
          MessageBody: body(),
          MessageGroupId: group,
          ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
          // Lambda joins the worker's trace to the request's by it. It is not counted into the message's size.
          // https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
          ...(traceparent !== undefined && {
            MessageSystemAttributes: {
              AWSTraceHeader: { DataType: 'String', StringValue: xrayHeaderOf(traceparent) },
            },
          }),
        })),
      }),
    );
    const sent = new Set(Successful.map(({ Id }) => Id));
    const failed = new Map(Failed.map((entry) => [entry.Id, entry]));
    return batch.map((_, index): Sent => {
      const id = String(index);
      if (sent.has(id)) return { kind: 'sent' };
      const entry = failed.get(id);
      return { kind: entry?.SenderFault === true ? 'refused' : 'failed', reason: entry?.Code ?? 'no_answer' };
    });
  } catch (error) {
    return batch.map(() => failureOf(error));
  }
}

/** A queue that is gone or closed to us stays so for a while; everything else may pass at the next try. */
function failureOf(error: unknown): Sent {
  if (!(error instanceof SQSServiceException)) {
    // What the network says (`ECONNREFUSED`, `ENOTFOUND`) tells an operator more than the error's name.
    const { code, name } = error as { readonly code?: string; readonly name?: string };
    return { kind: 'failed', reason: code ?? name ?? 'unknown' };
  }
  const { httpStatusCode = 500 } = error.$metadata;
  const transient = httpStatusCode >= 500 || httpStatusCode === 429 || error.$retryable !== undefined;
  const throttled = /throttl|limit|toomany/i.test(error.name);
  return { kind: transient || throttled ? 'failed' : 'refused', reason: error.name };
}
