import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accepts one finding of cdk-nag on one construct and what is below it. It stands where the finding is caused, and
 * the reason says why the finding does no harm there.
 * @param rule such as `AwsSolutions-SQS3`; a finding with details is named with them: `AwsSolutions-IAM5[Resource::*]`
 */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: rule, reason });
}
