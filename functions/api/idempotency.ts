/**
 * Powertools idempotency inside the business transaction.
 *
 * Powertools takes the key and the payload's hash from the request, compares payloads, keeps finished answers in
 * the process and replays. Its stock store writes the key in three steps around the business transaction, and a
 * crash between them runs the business twice or answers wrongly. This layer never writes a step of its own: it
 * hands the record to the command (through the call's own async context), and the command's transaction puts
 * key, answer and business changes together, or none of them.
 *
 *     saveInProgress -> _putRecord     reads the key along with the entity; a finished one is replayed
 *     the command    -> commit         puts the record, COMPLETED, under "free or expired"
 *                       lost           IdempotencyInconsistentStateError: Powertools asks again, and now
 *                                      _putRecord holds the winner's record
 *     saveSuccess    -> _updateRecord  has nothing left to write; the answer goes into the process's cache
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  IdempotencyConfig,
  IdempotencyInconsistentStateError,
  IdempotencyItemAlreadyExistsError,
  IdempotencyPersistenceLayerError,
  IdempotencyRecordStatus,
  IdempotencyValidationError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { Context } from 'aws-lambda';
import type { EntityState } from '../core/entity.ts';
import { idempotency as limits, request } from '../runtime/limits.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { Answer, IdempotencyItem } from '../store/transaction/idempotency-record.ts';
import { readTogether } from '../store/entities/reads.ts';
import { ProblemError } from './problem.ts';

/** What makes two requests the same. */
export interface IdempotentRequest {
  readonly scope: {
    readonly tenant: string;
    readonly subject: string;
    readonly method: string;
    readonly path: string;
    readonly key: string;
  };
  /** The checked body. */
  readonly payload: unknown;
}

/** One call's own view of its key. */
export interface KeyContext {
  readonly tenant: string;
  readonly requestId: string;
  /** Entities the command is going to need, read along with the key. */
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  /** The states that were read; empty where nothing was due to be read. */
  entities: ReadonlyMap<string, EntityState>;
  /** Makes the record to commit from the answer. */
  record?: (answer: Answer) => IdempotencyItem;
  /** Key of that record. */
  recordKey?: string;
  /** The record another call committed first. */
  winner?: IdempotencyItem;
}

/** Longer than a request lasts. */
const handOverSeconds = 2 * (request.deadlineMs / 1000);

export interface ReplayableAnswer extends Answer {
  readonly replayed?: true;
}

const calls = new AsyncLocalStorage<KeyContext>();

class TransactionalPersistence extends BasePersistenceLayer {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    super();
    this.#store = store;
    this.#clock = clock;
  }

  protected override async _putRecord(record: IdempotencyRecord): Promise<void> {
    const call = currentCall();
    const { idempotencyKey: pk, payloadHash } = record;
    if (payloadHash === undefined) throw new Error('the payload was not hashed');
    const now = this.#clock.now();
    if (!call.winner && call.ids.length > 0) {
      const read = await readTogether(this.#store, call.tenant, call.ids, pk, call.signal);
      call.entities = read.entities;
      if (read.record && isLive(read.record, now)) call.winner = read.record;
    }
    if (call.winner) throw new IdempotencyItemAlreadyExistsError('The key was used.', finished(call.winner));
    call.recordKey = pk;
    call.record = (answer) => ({
      pk,
      payloadHash,
      expiresAt: Math.floor(now / 1000) + limits.retentionSeconds,
      answer,
      requestId: call.requestId,
    });
  }

  /** Powertools asks the store only where an existing record came without its content; ours never does. */
  protected override _getRecord(): Promise<IdempotencyRecord> {
    const { winner } = currentCall();
    if (!winner) return Promise.reject(new Error('there is no record to get'));
    return Promise.resolve(finished(winner));
  }

  /** The command's transaction has written it. */
  protected override _updateRecord(): Promise<void> {
    return Promise.resolve();
  }

  /** A command that failed has written nothing. */
  protected override _deleteRecord(): Promise<void> {
    return Promise.resolve();
  }
}

function currentCall(): KeyContext {
  const call = calls.getStore();
  if (!call) throw new Error('a command ran outside its idempotent call');
  return call;
}

/**
 * A record that answers for its key, in Powertools' words. Powertools looks at the machine's clock once more, after us:
 * what was found to be live must not run out in between, which it would take for a store that contradicts itself.
 */
function finished({ pk, payloadHash, expiresAt, answer }: IdempotencyItem): IdempotencyRecord {
  return new IdempotencyRecord({
    idempotencyKey: pk,
    expiryTimestamp: Math.max(expiresAt, Math.ceil(Date.now() / 1000) + handOverSeconds),
    status: IdempotencyRecordStatus.COMPLETED,
    payloadHash,
    responseData: answer as unknown as ReturnType<IdempotencyRecord['getResponse']>,
  });
}

/** Tells Powertools to ask for the winner's record, which the call now holds. */
export function lostTo(winner: IdempotencyItem): never {
  currentCall().winner = winner;
  throw new IdempotencyInconsistentStateError('Another call of this key was faster.');
}

export type Work = (call: KeyContext) => Promise<Answer>;
export type RunOnce = (
  request: IdempotentRequest,
  call: Omit<KeyContext, 'entities'>,
  work: Work,
) => Promise<ReplayableAnswer>;

/** One persistence layer a process: it keeps its first configuration and the cache of finished answers. */
export function createRunOnce(store: Store, clock: Clock): RunOnce {
  const persistenceStore = new TransactionalPersistence(store, clock);
  const config = new IdempotencyConfig({
    eventKeyJmesPath: 'scope',
    payloadValidationJmesPath: 'payload',
    throwOnNoIdempotencyKey: true,
    hashFunction: 'sha256',
    expiresAfterSeconds: limits.retentionSeconds,
    useLocalCache: true,
    maxLocalCacheSize: limits.localCacheEntries,
    responseHook: (answer) => ({ ...(answer as unknown as Answer), replayed: true as const }),
  });
  // Powertools asks how long an attempt may take, for a mark that this layer does not write.
  config.registerLambdaContext({ getRemainingTimeInMillis: () => request.deadlineMs } as Context);
  const once = makeIdempotent(
    async (_request: IdempotentRequest, work: Work): Promise<ReplayableAnswer> => work(currentCall()),
    { persistenceStore, config, dataIndexArgument: 0, keyPrefix: 'command' },
  );
  return async (input, call, work) => {
    try {
      return await calls.run({ ...call, entities: new Map() }, () => once(input, work));
    } catch (error) {
      if (error instanceof IdempotencyPersistenceLayerError && error.cause instanceof Error)
        throw error.cause;
      if (error instanceof IdempotencyValidationError) {
        throw new ProblemError({
          status: 422,
          code: 'idempotency_key_reused',
          detail: 'The Idempotency-Key was used with another body.',
        });
      }
      throw error;
    }
  };
}
