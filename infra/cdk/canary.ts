import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  LambdaApplication,
  LambdaDeploymentConfig,
  LambdaDeploymentGroup,
  type CfnDeploymentGroup,
} from 'aws-cdk-lib/aws-codedeploy';
import type { CfnAlias } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { FunctionName } from './bundle.ts';
import type { ServiceFunction } from './function.ts';

export interface CanaryProps {
  readonly functions: readonly ServiceFunction[];
  /**
   * By function: a deployment of it is rolled back when one of these goes off, and does not begin while one is on.
   * At most ten each. https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-create-alarms.html
   */
  readonly alarms: ReadonlyMap<FunctionName, readonly Alarm[]>;
}

/**
 * Every new version of a function with an alias takes a tenth of its traffic for five minutes (requests and
 * batches alike) before it takes all of it.
 */
export class Canary extends Construct {
  constructor(scope: Construct, id: string, props: CanaryProps) {
    super(scope, id);
    const application = new LambdaApplication(this, 'Application');
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSCodeDeployRoleForLambdaLimited'),
      ],
    });
    acknowledge(
      role,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]',
      'The policy AWS keeps for CodeDeploy to shift the traffic of Lambda aliases; CodeDeploy alone can assume the role.',
    );
    for (const fn of props.functions) {
      if (fn.alias === undefined) continue;
      const alarms = [...(props.alarms.get(fn.name) ?? [])];
      const group = new LambdaDeploymentGroup(this, fn.name, {
        application,
        alias: fn.alias,
        role,
        deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
        alarms,
        autoRollback: {
          deploymentInAlarm: alarms.length > 0,
          failedDeployment: true,
          stoppedDeployment: true,
        },
      });
      // The group gets its alarms, or loses them, before the alias moves under them.
      (fn.alias.node.defaultChild as CfnAlias).addResourceDependency(
        group.node.defaultChild as CfnDeploymentGroup,
      );
    }
  }
}
