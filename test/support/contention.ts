/** Watches and disturbs a DynamoDB client from within: counts its requests and answers TransactionConflict. */
import { TransactionCanceledException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import type {
  PutItemCommandInput,
  TransactGetItem,
  TransactWriteItem,
  UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

export interface RequestCount {
  /** Requests so far, by operation; each attempt of a retry is one. */
  readonly byOperation: ReadonlyMap<string, number>;
  readonly total: () => number;
  readonly reset: () => void;
}

type Next = (args: { input: unknown; request?: unknown }) => Promise<unknown>;
interface Stack {
  add(
    middleware: (next: Next, context: { commandName?: string }) => Next,
    options: { step: 'deserialize' | 'initialize'; priority: 'low' | 'high'; name: string },
  ): void;
}
const stackOf = (client: DynamoDBDocumentClient): Stack => client.middlewareStack as unknown as Stack;

/** Counts every request that goes over the wire. */
export function countRequests(client: DynamoDBDocumentClient): RequestCount {
  const byOperation = new Map<string, number>();
  stackOf(client).add(
    (next, { commandName = '' }) =>
      (args) => {
        const operation = commandName.replace(/Command$/, '');
        byOperation.set(operation, (byOperation.get(operation) ?? 0) + 1);
        return next(args);
      },
    { step: 'deserialize', priority: 'low', name: 'count-requests' },
  );
  return {
    byOperation,
    total: () => [...byOperation.values()].reduce((sum, count) => sum + count, 0),
    reset: () => {
      byOperation.clear();
    },
  };
}

export interface ConflictOptions {
  /** Share of transactions that are cancelled whatever they touch, 0 to 1. */
  readonly rate?: number;
  /**
   * How long a transaction holds its items, all of them. As in the service, another one that touches one of them
   * meanwhile is cancelled, also one that reads, and a plain write refused; DynamoDB Local never does that, since it takes one transaction
   * after the other.
   */
  readonly holdMs?: number;
}

/** Items that transactions are at. Several clients that share one compete, as execution environments do. */
export type InFlight = Set<string>;

/** Lets transactions meet each other. Place it after `countRequests`, so that the cancelled ones are counted. */
export function injectConflicts(
  client: DynamoDBDocumentClient,
  { rate = 0, holdMs }: ConflictOptions,
  inFlight: InFlight = new Set(),
): { readonly count: () => number } {
  let conflicts = 0;
  const conflict = (reasons: readonly boolean[]): TransactionCanceledException => {
    conflicts += 1;
    return new TransactionCanceledException({
      $metadata: { httpStatusCode: 400 },
      message: 'Transaction cancelled',
      CancellationReasons: reasons.map((isMet) => ({ Code: isMet ? 'TransactionConflict' : 'None' })),
    });
  };
  stackOf(client).add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (isWrite(commandName) && inFlight.has(keyOf(args.input as Single))) {
          conflicts += 1;
          throw new TransactionConflictException({
            $metadata: { httpStatusCode: 400 },
            message: 'Transaction conflict',
          });
        }
        if (!/^Transact(?:Write|Get)/.test(commandName)) return next(args);
        const keys = keysOf(args.input as Transaction);
        if (commandName.startsWith('TransactGet')) {
          if (keys.some((key) => inFlight.has(key))) throw conflict(keys.map((key) => inFlight.has(key)));
          return next(args);
        }
        if (Math.random() < rate) throw conflict(keys.map((_, index) => index === 0));
        if (holdMs === undefined) return next(args);
        if (keys.some((key) => inFlight.has(key))) throw conflict(keys.map((key) => inFlight.has(key)));
        for (const key of keys) inFlight.add(key);
        try {
          await new Promise((resolve) => setTimeout(resolve, holdMs));
          return await next(args);
        } finally {
          for (const key of keys) inFlight.delete(key);
        }
      },
    { step: 'deserialize', priority: 'low', name: 'inject-conflicts' },
  );
  return { count: () => conflicts };
}

type Single = Pick<UpdateItemCommandInput, 'TableName' | 'Key'> & Pick<PutItemCommandInput, 'Item'>;

const isWrite = (commandName: string): boolean => /^(?:Put|Update|Delete)Item/.test(commandName);

const keyOf = ({ TableName = '', Key, Item }: Partial<Single>): string => {
  const key = Key ?? Item ?? {};
  return JSON.stringify([TableName, key['pk'], key['sk']]);
};

interface Transaction {
  readonly TransactItems?: readonly (TransactWriteItem & TransactGetItem)[];
}

const keysOf = ({ TransactItems = [] }: Transaction): string[] =>
  TransactItems.map(({ Put, Update, Delete, ConditionCheck, Get }) =>
    keyOf(Put ?? Update ?? Delete ?? ConditionCheck ?? Get ?? {}),
  );

/**
 * What others see of a transaction that has committed and is still being written, item by item: a plain read may find
 * the key's record as it was before, and a transaction that asks for it meets a conflict. DynamoDB Local writes all
 * items at once.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
 */
export function whileRecordsAreWritten(
  client: DynamoDBDocumentClient,
  idempotencyTable: string,
): { readonly conflicts: () => number } {
  let isWritten = false;
  let conflicts = 0;
  stackOf(client).add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (!isWritten && commandName === 'TransactGetItemsCommand') {
          conflicts += 1;
          // The next one finds it done.
          isWritten = conflicts === 2;
          throw new TransactionCanceledException({
            $metadata: { httpStatusCode: 400 },
            message: 'Transaction cancelled',
            CancellationReasons: [{ Code: 'TransactionConflict' }],
          });
        }
        const result = (await next(args)) as { output?: { Responses?: Record<string, unknown[]> } };
        if (!isWritten && commandName === 'BatchGetItemCommand' && result.output?.Responses)
          result.output.Responses[idempotencyTable] = [];
        return result;
      },
    { step: 'initialize', priority: 'high', name: 'records-are-being-written' },
  );
  return { conflicts: () => conflicts };
}
