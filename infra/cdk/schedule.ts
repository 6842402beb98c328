import { Duration } from 'aws-cdk-lib';
import { Rule, type Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { clockEvent } from '../../functions/runtime/limits.ts';
import { ServiceFunction, type ServiceFunctionProps } from './function.ts';

export interface ScheduledFunctionProps extends ServiceFunctionProps {
  readonly schedule: Schedule;
}

/**
 * The arrow clock -> function. An EventBridge rule rather than an EventBridge Scheduler schedule: it needs no role
 * of its own with leave to invoke (the function's resource policy names the rule), and it runs on LocalStack too.
 */
export class ScheduledFunction extends Construct {
  readonly function: ServiceFunction;

  constructor(scope: Construct, id: string, props: ScheduledFunctionProps) {
    super(scope, id);
    this.function = new ServiceFunction(this, 'Job', props);
    new Rule(this, 'Clock', {
      description: props.description,
      schedule: props.schedule,
      // A run that was missed is not caught up: the next one does its work.
      targets: [new LambdaFunction(this.function.target, { retryAttempts: clockEvent.retryAttempts })],
    });
    // EventBridge hands the event over and is done; from then on Lambda's own retries count, those of the qualifier
    // that the rule names.
    this.function.target.configureAsyncInvoke({
      retryAttempts: clockEvent.retryAttempts,
      maxEventAge: Duration.seconds(clockEvent.maxAgeSeconds),
    });
  }
}
