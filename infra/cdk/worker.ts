import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import type { TopicPolicy } from '../../functions/runtime/topics.ts';
import type { FunctionName } from './bundle.ts';
import { ServiceFunction, type Setting } from './function.ts';
import { DeadLetteredQueue } from './queues.ts';

export interface WorkerProps extends Setting {
  /** Name of the function and of its queue. */
  readonly name: FunctionName;
  readonly description: string;
  readonly policy: TopicPolicy;
  readonly memoryMb: number;
}

/**
 * The arrow queue -> worker: one queue, its dead-letter queue and the one function that reads it. The worker has no
 * leave to send: what is dead it hands back until SQS moves it, so that a move task knows the queue it came from.
 */
export class Worker extends Construct {
  readonly queues: DeadLetteredQueue;
  readonly function: ServiceFunction;

  constructor(scope: Construct, id: string, props: WorkerProps) {
    super(scope, id);
    const { policy } = props;
    this.queues = new DeadLetteredQueue(this, 'Messages', props.name, policy.functionTimeoutSeconds);
    this.function = new ServiceFunction(this, 'Worker', {
      ...props,
      timeoutSeconds: policy.functionTimeoutSeconds,
      // With less than its mapping starts at once, SQS would count throttled batches as received.
      reservedConcurrency: policy.maxConcurrency,
      canary: true,
    });
    this.function.target.addEventSource(
      new SqsEventSource(this.queues.queue, {
        batchSize: policy.batchSize,
        maxConcurrency: policy.maxConcurrency,
        // Only the messages that failed come back; the others of the batch are not run again.
        reportBatchItemFailures: true,
      }),
    );
  }
}
