import {
  DescribeStreamCommand,
  GetShardIteratorCommand,
  type DynamoDBStreamsClient,
  type Shard,
  type ShardIteratorType,
} from '@aws-sdk/client-dynamodb-streams';
import { Doorbell } from './doorbell.ts';
import { recordsOver, type GetRecords, type WireRecord } from './stream-records.ts';

export interface ShardBatch {
  readonly shardId: string;
  readonly records: readonly WireRecord[];
}

/** How often a shard is read of which all is read: soon after news, then less and less often. */
const shortestIdleMs = 20;
const longestIdleMs = 500;
const idleGrowth = 1.5;
const afterErrorMs = 500;
/** How often the list of shards is read again: a shard is closed after hours and followed by others. */
const describeMs = 10_000;
/**
 * A shard that was read is left alone for this many times as long as the read took. DynamoDB Local does one thing after the
 * other, and looks through all that was written to any table since the last record of the one that is read: 1 ms where that
 * is near, 10 to 30 ms of a table that nobody writes while others are written. Commands would wait behind such reads.
 */
const restFactor = 4;

/**
 * Follows a table's stream: all its shards beside each other, a shard after its parent, each in order.
 */
export class StreamReader {
  readonly #client: DynamoDBStreamsClient;
  readonly #getRecords: GetRecords;
  readonly #streamArn: string;
  readonly #batchSize: number;
  readonly #gatherMs: number;
  readonly #process: (batch: ShardBatch) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  readonly #shards = new Map<string, Promise<void>>();
  readonly #news: Doorbell;
  readonly #stopBell = new Doorbell();
  #stopped = false;
  #describing: Promise<void> | undefined;

  /**
   * @param getRecords how records are read; by the client unless given
   * @param news rings when somebody has probably written, so that a shard without news is read at once
   * @param gatherMs for how long nobody waits for what is written; then no news hurries it
   * @param process works a batch off; false says that it was stopped before the end
   */
  constructor(options: {
    client: DynamoDBStreamsClient;
    getRecords?: GetRecords | undefined;
    streamArn: string;
    batchSize: number;
    gatherMs?: number;
    process: (batch: ShardBatch) => Promise<boolean>;
    onError: (error: unknown) => void;
    news?: Doorbell | undefined;
  }) {
    this.#client = options.client;
    this.#getRecords = options.getRecords ?? recordsOver(options.client);
    this.#streamArn = options.streamArn;
    this.#batchSize = options.batchSize;
    this.#gatherMs = options.gatherMs ?? 0;
    this.#process = options.process;
    this.#onError = options.onError;
    this.#news = options.news ?? new Doorbell();
  }

  /**
   * Takes its place in every shard there is and begins to read. Whatever is written after this returns is read.
   * @param position where to begin in the shards there are now; later shards are read from their beginning
   */
  async start(position: 'LATEST' | 'TRIM_HORIZON'): Promise<void> {
    const shards = await this.#describe();
    await Promise.all(
      shards.map(async (shard) => {
        const id = shard.ShardId ?? '';
        const iterator = await this.#iterator(id, position);
        this.#follow(shard, iterator);
      }),
    );
    this.#describing = this.#watchShards();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const bell of [this.#stopBell, this.#news]) bell.ring();
    await this.#describing;
    await Promise.all(this.#shards.values());
  }

  async #watchShards(): Promise<void> {
    while (await this.#pause(describeMs)) {
      try {
        for (const shard of await this.#describe()) {
          if (!this.#shards.has(shard.ShardId ?? '')) this.#follow(shard, undefined);
        }
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  async #describe(): Promise<Shard[]> {
    const shards: Shard[] = [];
    let last: string | undefined;
    do {
      const { StreamDescription: page } = await this.#client.send(
        new DescribeStreamCommand({
          StreamArn: this.#streamArn,
          ...(last !== undefined && { ExclusiveStartShardId: last }),
        }),
      );
      shards.push(...(page?.Shards ?? []));
      last = page?.LastEvaluatedShardId;
    } while (last !== undefined);
    return shards;
  }

  #follow(shard: Shard, iterator: string | undefined): void {
    const id = shard.ShardId ?? '';
    const parent = this.#shards.get(shard.ParentShardId ?? '');
    this.#shards.set(id, this.#read(id, iterator, parent));
  }

  async #read(shardId: string, first: string | undefined, parent: Promise<void> | undefined): Promise<void> {
    await parent;
    let iterator = first;
    let sequence: string | undefined;
    let idleMs = shortestIdleMs;
    while (!this.#stopped) {
      try {
        const { rings } = this.#news;
        iterator ??= await this.#iterator(shardId, sequence ?? 'TRIM_HORIZON');
        const began = performance.now();
        const { records, next } = await this.#getRecords(iterator ?? '', this.#batchSize);
        const restMs = restFactor * (performance.now() - began);
        if (records.length > 0) {
          if (!(await this.#process({ shardId, records }))) return;
          sequence = records.at(-1)?.dynamodb?.SequenceNumber;
        }
        // A closed shard ends; the shards that follow it begin.
        if (next === undefined) return;
        iterator = next;
        // A full page may have another behind it.
        if (records.length === this.#batchSize) continue;
        const isNew = records.length > 0 || this.#news.rings > rings;
        idleMs = isNew ? shortestIdleMs : Math.min(idleMs * idleGrowth, longestIdleMs);
        // What comes right behind news is read in one go; later news are waited for.
        await this.#pause(Math.max(restMs, this.#gatherMs, isNew ? idleMs : 0));
        if (isNew || this.#gatherMs > 0 || this.#news.rings > rings) continue;
        await this.#pause(idleMs, this.#news);
      } catch (error) {
        const { name } = error as Error;
        if (name === 'TrimmedDataAccessException') sequence = undefined;
        else if (name !== 'ExpiredIteratorException') this.#onError(error);
        iterator = undefined;
        await this.#pause(afterErrorMs);
      }
    }
  }

  /** @param position a type of iterator, or the sequence number after which to go on */
  async #iterator(shardId: string, position: string): Promise<string | undefined> {
    const type: ShardIteratorType =
      position === 'LATEST' || position === 'TRIM_HORIZON' ? position : 'AFTER_SEQUENCE_NUMBER';
    const { ShardIterator } = await this.#client.send(
      new GetShardIteratorCommand({
        StreamArn: this.#streamArn,
        ShardId: shardId,
        ShardIteratorType: type,
        ...(type === 'AFTER_SEQUENCE_NUMBER' && { SequenceNumber: position }),
      }),
    );
    return ShardIterator;
  }

  /** @returns false when the reader is stopped meanwhile */
  async #pause(ms: number, bell = this.#stopBell): Promise<boolean> {
    if (!this.#stopped) await bell.wait(ms);
    return !this.#stopped;
  }
}
