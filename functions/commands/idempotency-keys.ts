/**
 * Idempotency keys by Powertools. It makes the record's key and the payload's hash of a request, compares payloads,
 * and remembers finished answers in the process. We put its record into the command's own transaction.
 *
 *     begin             saveInProgress           hashes key and payload; finds what the process remembers
 *     take, letGo       ours                     duplicates in this process wait for the first execution's end
 *     (the transaction puts the record, COMPLETED, or finds another execution's there)
 *     remember          saveSuccess              nothing is left to write; the answer goes into the cache
 *     replay            processExistingRecord    compares payloads; the answer goes into the cache
 */
import {
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyRecordStatus,
  IdempotencyValidationError,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import { idempotency as limits, request as requestLimits } from '../runtime/limits.ts';
import type { IdempotencyItem, StoredAnswer } from '../store/transaction/idempotency-record.ts';
import type { KeyedCommand } from './command.ts';
import type { Outcome } from './outcome.ts';

/** What Powertools is shown of a request; it finds its parts by the two paths of the configuration. */
interface Keyed {
  /** What makes two requests the same. */
  readonly scope: Readonly<Record<'tenant' | 'subject' | 'method' | 'path' | 'key', string>>;
  /** What must be the same then: as it was sent, so that a schema that changes later does not make it another one. */
  readonly payload: unknown;
}

/** What a key belongs to. */
export type KeyScope = Pick<KeyedCommand, 'tenant' | 'subject' | 'path' | 'idempotencyKey'>;

const keyedOf = ({
  tenant,
  subject,
  path,
  idempotencyKey,
  payload,
}: KeyScope & Pick<KeyedCommand, 'payload'>): Keyed => ({
  scope: { tenant, subject, method: 'POST', path, key: idempotencyKey },
  payload,
});

/** The key and hash that Powertools made: the record lacks its answer only. */
export interface FreshKey {
  readonly kind: 'fresh';
  readonly pk: string;
  readonly payloadHash: string;
}

/** The execution of a key that this process has begun and not ended. */
interface UnderWay {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

export type Replay = Extract<Outcome, { readonly kind: 'replayed' | 'key_reused' }>;

type Json = Parameters<BasePersistenceLayer['saveSuccess']>[0];
const json = (value: unknown): Json => value as Json;

/** One a process: it holds the cache of finished answers, and knows which keys are under way. */
export class IdempotencyKeys extends BasePersistenceLayer {
  #inProgress: IdempotencyRecord | undefined;
  readonly #underWay = new Map<string, UnderWay>();

  constructor() {
    super();
    const config = new IdempotencyConfig({
      eventKeyJmesPath: 'scope',
      payloadValidationJmesPath: 'payload',
      throwOnNoIdempotencyKey: true,
      hashFunction: 'sha256',
      expiresAfterSeconds: limits.retentionSeconds,
      useLocalCache: true,
      maxLocalCacheSize: limits.localCacheEntries,
    });
    this.configure({ config, keyPrefix: 'command' });
  }

  /** The key of the record of a request, whatever was sent with it. Nothing is read or written. */
  static async recordKey(scope: KeyScope): Promise<string> {
    // By one that remembers nothing: what is remembered is compared with what was sent.
    const taken = await new IdempotencyKeys().begin({ ...scope, payload: {} });
    if (taken.kind !== 'fresh') throw new Error('a key was remembered by who remembers none');
    return taken.pk;
  }

  /** Takes a request's key, unless this process remembers its answer. Nothing is read or written. */
  async begin(request: KeyScope & Pick<KeyedCommand, 'payload'>): Promise<FreshKey | Replay> {
    // Powertools asks how long the execution may take, for a mark in the database that this layer does not make.
    const saved = this.saveInProgress(json(keyedOf(request)), requestLimits.deadlineMs);
    // It has handed over its record by now: it waits for nothing before `_putRecord`, so no other execution comes between.
    const record = this.#inProgress;
    this.#inProgress = undefined;
    try {
      await saved;
    } catch (error) {
      if (!(error instanceof IdempotencyItemAlreadyExistsError) || !error.existingRecord) throw error;
      return this.#replayed(request, error.existingRecord);
    }
    if (record?.payloadHash === undefined) throw new Error('Powertools has made no record of the request');
    return { kind: 'fresh', pk: record.idempotencyKey, payloadHash: record.payloadHash };
  }

  /**
   * Takes a fresh key for an execution of this process, until it is let go.
   * @returns the end of the one that has it; `undefined` where it is taken now
   */
  take({ pk }: FreshKey): Promise<void> | undefined {
    const first = this.#underWay.get(pk);
    if (first) return first.ended;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#underWay.set(pk, { ended, end });
    return undefined;
  }

  /** The execution that took the key is over. */
  letGo({ pk }: FreshKey): void {
    this.#underWay.get(pk)?.end();
    this.#underWay.delete(pk);
  }

  /** The answer of another execution of the key, where this one has the same payload. */
  replay(request: KeyedCommand, { pk, payloadHash, expiresAt, answer }: IdempotencyItem): Replay {
    const record = new IdempotencyRecord({
      idempotencyKey: pk,
      expiryTimestamp: expiresAt,
      status: IdempotencyRecordStatus.COMPLETED,
      payloadHash,
      responseData: json(answer),
    });
    return this.#replayed(request, record);
  }

  /** Keeps a committed answer for duplicates that come to this process. */
  remember(request: KeyedCommand, answer: StoredAnswer): Promise<void> {
    return this.saveSuccess(json(keyedOf(request)), json(answer));
  }

  #replayed(request: KeyScope & Pick<KeyedCommand, 'payload'>, record: IdempotencyRecord): Replay {
    try {
      const { responseData } = this.processExistingRecord(record, json(keyedOf(request)));
      return { kind: 'replayed', answer: responseData as unknown as StoredAnswer };
    } catch (error) {
      if (error instanceof IdempotencyValidationError) return { kind: 'key_reused' };
      throw error;
    }
  }

  /** The command's transaction puts it. */
  protected override _putRecord(record: IdempotencyRecord): Promise<void> {
    this.#inProgress = record;
    return Promise.resolve();
  }

  /** The command's transaction has written it. */
  protected override _updateRecord(): Promise<void> {
    return Promise.resolve();
  }

  /** Nobody asks: the key is read along with the entity, see `readState`. */
  protected override _getRecord(): Promise<IdempotencyRecord> {
    return Promise.reject(new Error('the key is read along with its entity'));
  }

  /** A command that did not commit has written nothing. */
  protected override _deleteRecord(): Promise<void> {
    return Promise.resolve();
  }
}
