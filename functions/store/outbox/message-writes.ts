/** Conditional writes of outbox messages: every one is made of named clauses and answers with a value. */
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type {
  DynamoDBDocumentClient,
  TransactWriteCommandInput,
  UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Clock, Deadline } from '../../runtime/clock.ts';
import { groupPartitionOf, indexOf, notUnderstood } from './message-items.ts';
import type { Death, MessageGroup, MessageItem, MessageKey, MessageName } from './message-items.ts';

/** What is written along with a message, in one transaction: both, or nothing. */
export type Beside = readonly NonNullable<TransactWriteCommandInput['TransactItems']>[number][];

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
  '#expiresAt': 'expiresAt',
  '#redrivenAt': 'redrivenAt',
  '#redrivenBy': 'redrivenBy',
  '#openPk': 'openPk',
  '#closedPk': 'closedPk',
  '#letter': 'letter',
  '#died': 'died',
  '#lastError': 'lastError',
  '#calls': 'calls',
  '#result': 'result',
  '#refused': 'refused',
  '#payload': 'payload',
  '#traceparent': 'traceparent',
  '#onUncertain': 'onUncertain',
  '#unsettled': 'unsettled',
  '#inquiries': 'inquiries',
  '#waitingUntil': 'waitingUntil',
  '#answer': 'answer',
  '#answerWaits': 'answerWaits',
  '#outcome': 'outcome',
  '#code': 'code',
  '#at': 'at',
  '#behind': 'behind',
  '#hasDied': 'hasDied',
};

/**
 * Each wins one race; a condition is made of them. They read the values named beside them.
 * `test/integration/message-conditions.integration.test.ts` tells each race, and sees it lost where a clause is missing.
 *
 * | write                          | clauses                                                |
 * | ------------------------------ | ------------------------------------------------------ |
 * | sent again, by the sweeper     | open or waiting, thisRun                               |
 * | claimed                        | open, thisRun, free, attemptLeft, unanswered, callable |
 * | claimed to be buried, or asked | open or waiting, thisRun, free, unanswered             |
 * | an answer kept                 | firstAnswer                                            |
 * | done, refused                  | firstAnswer; where it was kept before, thisAnswer      |
 * | why an answer waits            | answered                                               |
 * | an operator's word             | resolvable                                             |
 * | released behind another one    | open, behind                                           |
 * | to be tried again, waiting     | holder                                                 |
 * | dead                           | holder                                                 |
 * | redriven                       | dead, notHeld; where SQS moved it, thisRun             |
 */
export const clause = {
  /** `:pending`, `:sent`. Against a worker that ended it meanwhile: what is over is neither sent nor called. */
  open: '#status IN (:pending, :sent)',
  /** `:waiting`. Against an answer that came meanwhile. */
  waiting: '#status = :waiting',
  /** `:dead`. Against a redrive that came first: two of them begin one run. */
  dead: '#status = :dead',
  /**
   * `:dead`, `:notUnderstood`, `:outcome`, `:deadOutcome`. Against an answer that came first: a person's word counts where
   * the message is dead, and where nobody understands what was answered, if it does not contradict that.
   */
  resolvable:
    '(#status = :dead OR (#answerWaits.#code = :notUnderstood AND #answer.#outcome IN (:outcome, :deadOutcome)))',
  /**
   * `:done`, `:deadOutcome`. Against another answer: the first is kept. To have given up is no answer of the
   * receiver, so that what it says later still counts. An update must not create an item that is gone.
   */
  firstAnswer:
    'attribute_exists(pk) AND #status <> :done AND (attribute_not_exists(#answer) OR #answer.#outcome = :deadOutcome)',
  /**
   * `:pending`, `:sent`, `:outcome`, `:answeredAt`. Against the same answer, taken by another delivery, and against one
   * that took its place: a message ends by the answer that it has, once.
   */
  thisAnswer: '#status IN (:pending, :sent) AND #answer.#outcome = :outcome AND #answer.#at = :answeredAt',
  /** `:pending`, `:sent`. Against an end that came meanwhile. */
  answered: '#status IN (:pending, :sent) AND attribute_exists(#answer)',
  /** Against a callback that came first: what was answered is neither called nor given up. */
  unanswered: 'attribute_not_exists(#answer)',
  /**
   * `:zero`. Against a call of which nobody knows whether it acted, where the receiver would act again: also one whose
   * worker died, since each call counts from its claim on.
   */
  callable: '(attribute_not_exists(#onUncertain) OR attribute_not_exists(#unsettled) OR #unsettled = :zero)',
  /** `:hold`, `:zero`. Against a redrive of what may have acted and must never be called again by itself. */
  notHeld:
    '(attribute_not_exists(#onUncertain) OR #onUncertain <> :hold OR attribute_not_exists(#unsettled) OR #unsettled = :zero)',
  /** `:id`. Against a message that waits behind another one by now, or for none. */
  behind: '#behind = :id',
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

/** Parts of an update. */
interface Indexed {
  readonly set: string;
  readonly remove: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Puts a message into the index of a group: it stands in one index at a time. */
export function indexedIn(name: MessageName, group: Exclude<MessageGroup, 'dead'>): Indexed {
  const isOpen = indexOf(group).name === 'open';
  return {
    set: `#${isOpen ? 'openPk' : 'closedPk'} = :partition`,
    remove: `#${isOpen ? 'closedPk' : 'openPk'}, #died`,
    values: { ':partition': groupPartitionOf(name, group) },
  };
}

/** Puts a message among the dead letters, with what they are looked for by. */
export const indexedAsDead = (name: MessageName, died: Death): Indexed => ({
  set: '#closedPk = :partition, #died = :died',
  remove: '#openPk',
  values: { ':partition': groupPartitionOf(name, 'dead'), ':died': died },
});

export const all = (...clauses: readonly string[]): string => clauses.join(' AND ');

/** An update as parameters. Names and values must all be used by its expressions, so it takes just those it mentions. */
export function updateOf(
  table: string,
  key: MessageKey,
  update: string,
  condition: string,
  values: Readonly<Record<string, unknown>>,
): Required<
  Pick<
    UpdateCommandInput,
    'TableName' | 'Key' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
  >
> & { readonly UpdateExpression: string } {
  const mentioned = `${update} ${condition}`;
  const mentions = ([name]: readonly [string, unknown]): boolean => new RegExp(`${name}\\b`).test(mentioned);
  return {
    TableName: table,
    Key: key,
    UpdateExpression: update,
    ConditionExpression: condition,
    ExpressionAttributeNames: Object.fromEntries(Object.entries(names).filter(mentions)),
    ExpressionAttributeValues: Object.fromEntries(
      Object.entries({ ...standardValues, ...values }).filter(mentions),
    ),
  };
}

const standardValues = {
  ':pending': 'pending',
  ':sent': 'sent',
  ':done': 'done',
  ':dead': 'dead',
  ':waiting': 'waiting',
  ':hold': 'hold',
  ':deadOutcome': 'dead',
  ':notUnderstood': notUnderstood,
  ':zero': 0,
  ':one': 1,
  ':true': true,
};

export async function write(
  access: OutboxAccess,
  key: MessageKey,
  update: string,
  condition: string,
  values: Readonly<Record<string, unknown>>,
): Promise<Written> {
  try {
    const { Attributes } = await access.client.send(
      new UpdateCommand({
        ...updateOf(access.table, key, update, condition, values),
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

/**
 * As {@link write}, along with other items. A message that another write is at is reported as that conflict, which may
 * be tried again.
 * @returns the message as it was, where nothing was written
 */
export async function writeBeside(
  access: OutboxAccess,
  key: MessageKey,
  update: string,
  condition: string,
  values: Readonly<Record<string, unknown>>,
  beside: Beside,
): Promise<{ readonly kind: 'written' } | { readonly found: MessageItem | undefined }> {
  const Update = {
    ...updateOf(access.table, key, update, condition, values),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  try {
    await access.client.send(
      new TransactWriteCommand({ TransactItems: [{ Update }, ...beside] }),
      within(access),
    );
    return { kind: 'written' };
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const { Code, Item } = error.CancellationReasons?.[0] ?? {};
    if (Code === 'ConditionalCheckFailed') {
      return { found: Item === undefined ? undefined : (unmarshall(Item) as MessageItem) };
    }
    if (Code !== 'TransactionConflict') throw error;
    throw new TransactionConflictException({ message: error.message, $metadata: error.$metadata });
  }
}

/** As {@link writeBeside}, with the message as it is afterwards, which a transaction does not hand back. */
export async function writeAndRead(...parameters: Parameters<typeof writeBeside>): Promise<Written> {
  const [access, key] = parameters;
  const written = await writeBeside(...parameters);
  if ('found' in written) return written;
  const { Item } = await access.client.send(
    new GetCommand({ TableName: access.table, Key: { ...key }, ConsistentRead: true }),
    within(access),
  );
  return { item: Item as MessageItem };
}
