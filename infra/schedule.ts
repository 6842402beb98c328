import { Rule, type Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
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
      targets: [new LambdaFunction(this.function.target, { retryAttempts: 0 })],
    });
  }
}
