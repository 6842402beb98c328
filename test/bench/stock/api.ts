/**
 * What people write today: the handler wrapped in Powertools with its DynamoDB store, a GetItem where a state is asked
 * for, and one transaction of entity, ledger entry and message. It is written as its authors would be proud of: keys
 * are wanted, scoped to tenant and subject and kept for a day, bodies are compared, every write has its condition, a
 * hot counter is one conditional decrement, and whoever is told to come again is told so with 409 or 503.
 */
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyKeyError,
  IdempotencyValidationError,
} from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import { ulid } from 'ulid';
import * as z from 'zod';
import { idempotency } from '../../../functions/runtime/limits.ts';
import type { StockTables } from './tables.ts';

type Event = APIGatewayProxyEventV2WithJWTAuthorizer;
type Item = Readonly<Record<string, unknown>>;
type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

export interface StockAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const name = z.string().min(1).max(256);
const amount = z.int().min(1).max(1_000_000_000_000);
const inputs = {
  payment: z.strictObject({ payer: name, payee: name, amount, currency: z.string().regex(/^[A-Z]{3}$/) }),
  showing: z.strictObject({ title: name, capacity: amount }),
  reservation: z.strictObject({ showingId: name, customer: name }),
  account: z.strictObject({ owner: name }),
  points: z.strictObject({ amount, reason: name }),
};

const answer = (statusCode: number, body: object): StockAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const refusal = (status: number, code: string): StockAnswer => answer(status, { status, code });

export type StockHandler = (event: Event, context: Context) => Promise<StockAnswer>;

export function createStockHandler(client: DynamoDBClient, tables: StockTables): StockHandler {
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

  const put = (TableName: string, Item: Item, key: string): Write => ({
    Put: {
      TableName,
      Item,
      ConditionExpression: 'attribute_not_exists(#key)',
      ExpressionAttributeNames: { '#key': key },
    },
  });
  const entry = (entity: string, version: number, command: string, actor: string): Write =>
    put(tables.ledger, { entity, version, command, actor, at: new Date().toISOString() }, 'entity');
  const message = (entity: Item, type: string): Write =>
    put(tables.outbox, { id: ulid(), type, entity, status: 'pending' }, 'id');
  /** Adds to a number where the condition holds, without a read. */
  const add = (id: string, attribute: string, by: number, condition: string, values: Item = {}): Write => ({
    Update: {
      TableName: tables.entities,
      Key: { id },
      UpdateExpression: 'ADD #attribute :by, version :one',
      ConditionExpression: condition,
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':by': by, ':one': 1, ...values },
    },
  });
  const commit = (...TransactItems: Write[]): Promise<unknown> =>
    documents.send(new TransactWriteCommand({ TransactItems }));

  async function create(item: Item & { id: string }, actor: string, ...more: Write[]): Promise<StockAnswer> {
    await commit(
      put(tables.entities, { ...item, version: 1 }, 'id'),
      entry(item.id, 1, 'create', actor),
      ...more,
    );
    return answer(201, { ...item, version: 1 });
  }

  async function confirm(id: string, actor: string): Promise<StockAnswer> {
    const { Item: found } = await documents.send(
      new GetCommand({ TableName: tables.entities, Key: { id }, ConsistentRead: true }),
    );
    if (found === undefined) return refusal(404, 'not_found');
    if (found['status'] !== 'pending') return refusal(409, 'not_pending');
    const version = Number(found['version']);
    const confirmed = { ...found, status: 'confirmed', version: version + 1 };
    const write: Write = {
      Put: {
        TableName: tables.entities,
        Item: confirmed,
        ConditionExpression: 'version = :version',
        ExpressionAttributeValues: { ':version': version },
      },
    };
    await commit(write, entry(id, version + 1, 'confirm', actor), message(confirmed, 'payment.capture'));
    return answer(200, confirmed);
  }

  async function move(id: string, by: number, actor: string, reason: string): Promise<StockAnswer> {
    const condition = by > 0 ? 'attribute_exists(id)' : 'balance >= :least';
    const values = by > 0 ? {} : { ':least': -by };
    // Nobody knows the version without a read, so the entry is found by a name of its own.
    const log = put(
      tables.ledger,
      { entity: `${id}#${ulid()}`, version: 0, command: reason, actor },
      'entity',
    );
    await commit(add(id, 'balance', by, condition, values), log);
    return answer(200, { id });
  }

  async function route(event: Event): Promise<StockAnswer> {
    const actor = String(event.requestContext.authorizer.jwt.claims['sub']);
    const [, , collection, id = '', command] = event.rawPath.split('/');
    const body: unknown = event.body === undefined ? undefined : JSON.parse(event.body);
    switch (`${collection ?? ''} ${command ?? 'create'}`) {
      case 'payments create':
        return create({ id: ulid(), status: 'pending', ...inputs.payment.parse(body) }, actor);
      case 'payments confirm':
        return confirm(id, actor);
      case 'showings create': {
        const { title, capacity } = inputs.showing.parse(body);
        return create({ id: ulid(), title, remaining: capacity }, actor);
      }
      case 'reservations create': {
        const { showingId, customer } = inputs.reservation.parse(body);
        const taken = add(showingId, 'remaining', -1, 'remaining >= :one');
        return create({ id: ulid(), status: 'held', showingId, customer }, actor, taken);
      }
      case 'point-accounts create':
        return create({ id: ulid(), balance: 0, ...inputs.account.parse(body) }, actor);
      case 'point-accounts earn':
      case 'point-accounts spend': {
        const given = inputs.points.parse(body);
        return move(id, command === 'earn' ? given.amount : -given.amount, actor, given.reason);
      }
      default:
        return refusal(404, 'not_found');
    }
  }

  const config = new IdempotencyConfig({
    eventKeyJmesPath:
      '[requestContext.authorizer.jwt.claims.[tenant, sub], rawPath, headers."idempotency-key"]',
    payloadValidationJmesPath: 'body',
    throwOnNoIdempotencyKey: true,
    hashFunction: 'sha256',
    expiresAfterSeconds: 86_400,
    useLocalCache: true,
    // As many answers as commit-once keeps in a process.
    maxLocalCacheSize: idempotency.localCacheEntries,
  });
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: tables.idempotency,
    awsSdkV3Client: client,
  });
  const once = makeIdempotent(route, { persistenceStore, config });

  return async (event, context) => {
    try {
      // How long the call may take bounds how long its key stays in progress.
      config.registerLambdaContext(context);
      return await once(event);
    } catch (error) {
      return refusedBy(error);
    }
  };
}

/** @throws whatever is no refusal, which the gateway answers with 500 */
function refusedBy(error: unknown): StockAnswer {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return refusal(400, 'invalid');
  if (error instanceof IdempotencyKeyError) return refusal(400, 'idempotency_key_missing');
  if (error instanceof IdempotencyValidationError) return refusal(422, 'idempotency_key_reused');
  if (error instanceof IdempotencyAlreadyInProgressError) return refusal(409, 'request_in_progress');
  if (error instanceof TransactionCanceledException) {
    const codes = new Set(error.CancellationReasons?.map(({ Code }) => Code));
    return codes.has('ConditionalCheckFailed') ? refusal(409, 'refused') : refusal(503, 'contended');
  }
  throw error;
}
