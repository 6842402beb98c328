import { Duration, Stack } from 'aws-cdk-lib';
import { Queue, QueueEncryption, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { queue as limits } from '../../functions/runtime/topics.ts';
import { acknowledge } from './acknowledge.ts';

/** A queue and the dead-letter queue that takes from it alone. */
export class DeadLetteredQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  /**
   * @param name of the topic; the queue is `<stack>-<name>`, its dead-letter queue `<stack>-<name>-dead-letters`
   * @param functionTimeoutSeconds the timeout of the function that reads the queue
   */
  constructor(scope: Construct, id: string, name: string, functionTimeoutSeconds: number) {
    super(scope, id);
    // The queues have fixed names, because each refers to the other (redrive policy and redrive allow policy) and
    // CloudFormation refuses a circle of references: one of the two ARNs is composed from its name.
    const queueName = `${Stack.of(this).stackName}-${name}`;
    const queueArn = Stack.of(this).formatArn({ service: 'sqs', resource: queueName });
    this.deadLetters = new Queue(this, 'DeadLetters', {
      ...secured,
      queueName: `${queueName}-dead-letters`,
      retentionPeriod: Duration.days(limits.deadLetterRetentionDays),
      // No other queue of the account can name this one as its own dead-letter queue.
      redriveAllowPolicy: {
        redrivePermission: RedrivePermission.BY_QUEUE,
        sourceQueues: [Queue.fromQueueArn(this, 'Source', queueArn)],
      },
    });
    this.queue = new Queue(this, 'Queue', {
      ...secured,
      queueName,
      retentionPeriod: Duration.days(limits.retentionDays),
      visibilityTimeout: Duration.seconds(functionTimeoutSeconds * limits.visibilityPerFunctionTimeout),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: limits.maxReceiveCount },
      // Nothing is redriven into a queue that is nobody's dead-letter queue.
      redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL },
    });
  }
}

/** Where the stream mappings report what they gave up on: metadata of records, for people to look at. */
export class FailureQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, name: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      ...secured,
      queueName: `${Stack.of(this).stackName}-${name}`,
      retentionPeriod: Duration.days(limits.deadLetterRetentionDays),
      redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL },
    });
    acknowledge(
      this.queue,
      'AwsSolutions-SQS3',
      'It is where failures end: people read it, no function does, so there is nothing that could fail again.',
    );
  }
}

const secured = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true } as const;
