/** Conditional writes of outbox messages: every one is made of named clauses and answers with a value. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Clock, Deadline } from '../../runtime/clock.ts';
import type { MessageItem, MessageKey } from './message-items.ts';

export interface OutboxAccess {
  readonly client: DynamoDBDocumentClient;
  /** Name of the outbox table. */
  readonly table: string;
  readonly clock: Clock;
  /** Of whoever waits for an answer; the others have as long as their function lives. */
  readonly deadline?: Deadline;
  /** Without a deadline: after how long a call is given up, with all its tries. */
  readonly callMaxMs?: number;
}

/** For each call: it ends with the time that there is. */
export function within({ deadline, callMaxMs }: Pick<OutboxAccess, 'deadline' | 'callMaxMs'>): {
  readonly abortSignal?: AbortSignal;
} {
  if (deadline) return { abortSignal: deadline.signal };
  return callMaxMs === undefined ? {} : { abortSignal: AbortSignal.timeout(callMaxMs) };
}

/** Whether a conditional write came to pass; where not, the item that stood in its way. */
export type Written = { readonly item: MessageItem } | { readonly found: MessageItem | undefined };

const names = {
  '#status': 'status',
  '#run': 'run',
  '#attempts': 'attempts',
  '#leaseUntil': 'leaseUntil',
  '#leaseToken': 'leaseToken',
  '#sentAt': 'sentAt',
  '#doneAt': 'doneAt',
  '#redrivenAt': 'redrivenAt',
  '#statePk': 'statePk',
  '#letter': 'letter',
  '#lastError': 'lastError',
  '#failures': 'failures',
  '#result': 'result',
  '#payload': 'payload',
};

/**
 * Each wins one race; a condition is made of them. They read the values named beside them.
 * `test/integration/message-conditions.integration.test.ts` tells each race, and sees it lost where a clause is missing.
 *
 * | write                 | clauses                           |
 * | --------------------- | --------------------------------- |
 * | sent, by the relay    | pending, thisRun                  |
 * | sent, by the sweeper  | open, thisRun                     |
 * | claimed               | open, thisRun, free, attemptLeft  |
 * | claimed to be buried  | open, thisRun, free               |
 * | done                  | notDone                           |
 * | to be tried again     | holder                            |
 * | dead                  | holder                            |
 * | redriven              | dead; where SQS moved it, thisRun |
 */
export const clause = {
  /** `:pending`, `:sent`. Against a worker that ended it meanwhile: what is over is neither sent nor called. */
  open: '#status IN (:pending, :sent)',
  /** `:pending`. Against a worker that was faster than the mark: an end is not undone. */
  pending: '#status = :pending',
  /** `:dead`. Against a redrive that came first: two of them begin one run. */
  dead: '#status = :dead',
  /** `:done`. Against a second call that succeeded: the first result is kept. An update must not create an item that is gone. */
  notDone: 'attribute_exists(pk) AND #status <> :done',
  /** `:run`. Against deliveries, marks and moved dead letters of a run that is over. */
  thisRun: '#run = :run',
  /** `:now`. Against a worker that calls at this moment, and against copies that would not wait for the backoff. */
  free: '(attribute_not_exists(#leaseUntil) OR #leaseUntil <= :now)',
  /** `:attemptsMax`. Against a message that kills its worker each time. */
  attemptLeft: '#attempts < :attemptsMax',
  /**
   * `:token`. Against a worker whose lease ran out: another one has taken over, or the message has ended. Every end
   * removes the token. So a worker that still holds it knows that the message is open and that the run is its own.
   */
  holder: '#leaseToken = :token',
} as const;

export const all = (...clauses: readonly string[]): string => clauses.join(' AND ');

/** Names and values must all be used by the expressions, so each write takes just those it mentions. */
export async function write(
  access: OutboxAccess,
  key: MessageKey,
  update: string,
  condition: string,
  values: Readonly<Record<string, unknown>>,
): Promise<Written> {
  const mentioned = `${update} ${condition}`;
  const mentions = ([name]: readonly [string, unknown]): boolean => new RegExp(`${name}\\b`).test(mentioned);
  const standard = {
    ':pending': 'pending',
    ':sent': 'sent',
    ':done': 'done',
    ':dead': 'dead',
    ':zero': 0,
    ':one': 1,
  };
  try {
    const { Attributes } = await access.client.send(
      new UpdateCommand({
        TableName: access.table,
        Key: key,
        UpdateExpression: update,
        ConditionExpression: condition,
        ExpressionAttributeNames: Object.fromEntries(Object.entries(names).filter(mentions)),
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries({ ...standard, ...values }).filter(mentions),
        ),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
      within(access),
    );
    return { item: Attributes as MessageItem };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { found: error.Item === undefined ? undefined : (unmarshall(error.Item) as MessageItem) };
  }
}

/**
 * A write that takes the lease. Where its answer was lost, the client's own retry is refused by our very lease:
 * the token in the item that stood in the way shows that it is ours.
 */
export async function take(...parameters: Parameters<typeof write>): Promise<Written> {
  const written = await write(...parameters);
  const token = parameters[4][':token'];
  return 'found' in written && written.found !== undefined && written.found.leaseToken === token
    ? { item: written.found }
    : written;
}
