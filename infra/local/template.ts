import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** A synthesized CloudFormation template, as far as the local stack reads it. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  readonly Conditions?: unknown;
  readonly Mappings?: unknown;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** Where a function's code asset lies in a cloud assembly: CDK names the staged folder after the asset's hash. */
export function assetFolder(assetDirectory: string, key: string): string {
  return path.join(assetDirectory, `asset.${key.replace(/\.zip$/, '')}`);
}

export async function readTemplate(file: string): Promise<Template> {
  return JSON.parse(await readFile(file, 'utf8')) as Template;
}

/**
 * Resource types that say who may do what, who is told, how code is shipped or how it looks: on one machine they
 * change nothing. Whatever is neither served nor listed here is refused, so that nothing is left out unnoticed.
 */
const withoutLocalMeaning = new Set([
  'AWS::ApplicationInsights::Application',
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::CodeDeploy::Application',
  'AWS::CodeDeploy::DeploymentGroup',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  // It turns retries off, and the local clock has none.
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'AWS::Logs::ResourcePolicy',
  'AWS::ResourceGroups::Group',
  'AWS::S3::BucketPolicy',
  // Secrets come from the environment locally: a function reads its own variable first.
  'AWS::SecretsManager::Secret',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::XRay::Group',
]);

/** Types the local stack serves. */
export const served = {
  table: 'AWS::DynamoDB::Table',
  queue: 'AWS::SQS::Queue',
  bucket: 'AWS::S3::Bucket',
  function: 'AWS::Lambda::Function',
  version: 'AWS::Lambda::Version',
  alias: 'AWS::Lambda::Alias',
  mapping: 'AWS::Lambda::EventSourceMapping',
  api: 'AWS::ApiGatewayV2::Api',
  stage: 'AWS::ApiGatewayV2::Stage',
  route: 'AWS::ApiGatewayV2::Route',
  integration: 'AWS::ApiGatewayV2::Integration',
  authorizer: 'AWS::ApiGatewayV2::Authorizer',
  rule: 'AWS::Events::Rule',
  schedule: 'AWS::Scheduler::Schedule',
} as const;

/** @throws naming the first resource that would be missing locally. */
export function assertSupported(template: Template): void {
  const known = new Set<string>(Object.values(served));
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (!known.has(resource.Type) && !withoutLocalMeaning.has(resource.Type)) {
      throw new Error(`the local stack does not know ${resource.Type} (${logicalId})`);
    }
  }
}

/** The resources of one type with their logical ids, in the template's order. */
export function resourcesOf(
  template: Template,
  type: string,
): [logicalId: string, resource: TemplateResource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}
