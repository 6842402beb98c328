import { Validations, type App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

/**
 * Lets a synthesis fail on every finding of cdk-nag's AwsSolutions rules that is not acknowledged. Not part of
 * `buildApp`, because a start on one machine has no use for it.
 */
export function addSecurityChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
