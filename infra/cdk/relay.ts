import { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { concurrency, eventStream, relayFunction } from '../../functions/runtime/limits.ts';
import { allowSending } from './binding.ts';
import type { FunctionName } from './bundle.ts';
import { ServiceFunction, type Setting } from './function.ts';

export interface RelayProps extends Setting {
  readonly name: FunctionName;
  readonly description: string;
  /** The table whose stream is read. */
  readonly source: Table;
  /** Which new images are read: event filter patterns on `dynamodb.NewImage`, one of which fits. */
  readonly newImages: readonly Readonly<Record<string, unknown>>[];
  /** Concurrent batches of one shard. */
  readonly parallelizationFactor?: number;
  /** For how long records are gathered that nobody waits for; by default not at all. */
  readonly batchingWindow?: Duration;
  readonly failures: Queue;
}

/** The arrow table stream -> function: one mapping with every bound set, and the function behind it. */
export class Relay extends Construct {
  readonly function: ServiceFunction;

  constructor(scope: Construct, id: string, props: RelayProps) {
    super(scope, id);
    this.function = new ServiceFunction(this, 'Relay', {
      ...props,
      ...relayFunction,
      reservedConcurrency: concurrency.relay,
      canary: true,
    });
    this.function.target.addEventSource(
      new DynamoEventSource(props.source as ITable, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: eventStream.batchSize,
        parallelizationFactor: props.parallelizationFactor ?? eventStream.parallelizationFactor,
        ...(props.batchingWindow && { maxBatchingWindow: props.batchingWindow }),
        retryAttempts: eventStream.retryAttempts,
        maxRecordAge: Duration.seconds(eventStream.maxRecordAgeSeconds),
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        // CDK's own destination would also grant two actions that nobody uses.
        onFailure: {
          bind: (_, handler) => {
            allowSending(handler, props.failures);
            return { destination: props.failures.queueArn };
          },
        },
        // Lambda does not charge for, or wake up at, records that a filter holds back.
        filters: props.newImages.map((NewImage) =>
          FilterCriteria.filter({
            eventName: FilterRule.or('INSERT', 'MODIFY'),
            dynamodb: { NewImage },
          }),
        ),
      }),
    );
  }
}
