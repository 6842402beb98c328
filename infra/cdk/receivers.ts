import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { bindBucketForWriting, bindSecret } from './binding.ts';
import type { ServiceFunction } from './function.ts';
import { receiverVariable } from '../../functions/runtime/receivers.ts';
import { parseModel } from './model.ts';
import { unset, type DeployOptions } from './options.ts';
import type { StageSettings } from './stages.ts';

/** The arrow notification worker -> mail: SES for the one sender, or an SMTP server. */
export function bindMail(fn: ServiceFunction, options: DeployOptions): void {
  fn.function.addEnvironment('MAIL_FROM', options.mailFrom);
  if (options.smtpUrl !== undefined) {
    fn.function.addEnvironment('SMTP_URL', options.smtpUrl);
    return;
  }
  const domain = options.mailFrom.slice(options.mailFrom.indexOf('@') + 1);
  const identity = (resourceName: string): string =>
    Stack.of(fn).formatArn({ service: 'ses', resource: 'identity', resourceName });
  fn.function.addToRolePolicy(
    new PolicyStatement({
      actions: sending,
      // The address, its domain or a domain above that is what was verified; SES checks against the one that was.
      // https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
      resources: [...new Set([options.mailFrom, domain, options.mailIdentity ?? domain])].map(identity),
      conditions: { StringEquals: { 'ses:FromAddress': options.mailFrom } },
    }),
  );
  // An identity may have a default configuration set, and then a mail needs leave for both.
  // https://github.com/aws/aws-cdk/issues/34402
  fn.function.addToRolePolicy(
    new PolicyStatement({
      actions: sending,
      resources: [
        Stack.of(fn).formatArn({ service: 'ses', resource: 'configuration-set', resourceName: '*' }),
      ],
    }),
  );
  acknowledge(
    fn,
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:configuration-set/*]',
    "Which configuration set is the identity's default is said in SES, not here; without leave for the identity, which is the sender alone, it sends nothing.",
  );
}

/** A raw message (made by nodemailer) is a second action of the same call. */
const sending = ['ses:SendEmail', 'ses:SendRawEmail'];

/** The arrow llm worker -> Bedrock: the one model, in the Region or through its inference profile. */
export function bindModel(fn: ServiceFunction, options: DeployOptions): void {
  const modelId = options.llmModelId ?? unset.llmModelId;
  fn.function.addEnvironment('LLM_MODEL_ID', modelId);
  if (options.llmEndpointUrl !== undefined) {
    fn.function.addEnvironment('AWS_ENDPOINT_URL_BEDROCK_RUNTIME', options.llmEndpointUrl);
    return;
  }
  fn.function.addToRolePolicy(
    new PolicyStatement({
      // Converse is authorized as InvokeModel.
      actions: ['bedrock:InvokeModel'],
      resources: modelArns(fn, modelId),
    }),
  );
}

function modelArns(fn: ServiceFunction, modelId: string): string[] {
  const stack = Stack.of(fn);
  const model = (region: string, resourceName: string): string =>
    stack.formatArn({ service: 'bedrock', region, account: '', resource: 'foundation-model', resourceName });
  const found = parseModel(modelId);
  switch (found?.is) {
    case undefined:
      throw new Error(`${modelId} is not a model`);
    case 'resource':
      return [found.arn];
    case 'model':
      return [model(stack.region, found.name)];
    case 'profile':
      acknowledge(
        fn,
        `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/${found.model}]`,
        'An inference profile forwards a call to one of several Regions, and the caller needs the one model in each.',
      );
      return [
        found.arn ??
          stack.formatArn({ service: 'bedrock', resource: 'inference-profile', resourceName: found.id }),
        // Every Region, and none: a global profile asks for the model without one.
        model('*', found.model),
      ];
    default:
      return found satisfies never;
  }
}

/**
 * The arrow external-call worker -> receivers, and back: the URL of each, and the secrets that sign the calls and the
 * callbacks. The API checks callbacks, so it may read the secrets too.
 */
export class OutboundCalls extends Construct {
  /** Of calls and callbacks that have no secret of their own. */
  readonly secret: Secret;

  constructor(
    scope: Construct,
    id: string,
    props: { caller: ServiceFunction; api: ServiceFunction; options: DeployOptions; stage: StageSettings },
  ) {
    super(scope, id);
    const { caller, api, options, stage } = props;
    const bind = (variable: string, secret: Secret): void => {
      for (const fn of [caller, api]) bindSecret(fn, variable, secret);
    };
    this.secret = signingSecret(this, 'SigningSecret', 'receivers', stage);
    bind('WEBHOOK_SECRET_ARN', this.secret);
    caller.function.addEnvironment('EXTERNAL_CALL_URL', options.externalCallUrl ?? unset.externalCallUrl);
    for (const [name, url] of Object.entries(options.receivers ?? {})) {
      bind(receiverVariable(name, 'SECRET_ARN'), signingSecret(this, `SigningSecret-${name}`, name, stage));
      caller.function.addEnvironment(receiverVariable(name, 'URL'), url);
    }
  }
}

function signingSecret(scope: Construct, id: string, holder: string, stage: StageSettings): Secret {
  const secret = new Secret(scope, id, {
    description: `Signs calls and callbacks (Standard Webhooks); ${holder} hold${holder === 'receivers' ? '' : 's'} the same value`,
    // The value is read as base64, of which letters and digits are a part: 64 characters are 48 bytes, and the
    // specification asks for 24 to 64.
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
    // The receivers hold the same value: a stack that is made anew can be given it again.
    removalPolicy: stage.keep.data ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  acknowledge(
    secret,
    'AwsSolutions-SMG4',
    'The receivers hold the same value: a rotation that they do not take part in breaks every call. The runbook rotates by hand, without a gap.',
  );
  return secret;
}

/** The arrow report worker -> S3. */
export class Reports extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: { fn: ServiceFunction }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // A report is written under a key made from its message, so a repeated run writes a new version of it.
      versioned: true,
      // In every stage: CloudFormation deletes empty buckets only, so a stack with a report could not be removed.
      // CDK would empty it by a function and a role of its own, which nobody else needs.
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-s3-bucket.html
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        {
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    acknowledge(
      this.bucket,
      'AwsSolutions-S1',
      'One function writes here and nobody reads over the network; object access is recorded by CloudTrail data events where it matters.',
    );
    bindBucketForWriting(props.fn, 'REPORT_BUCKET', this.bucket);
  }
}
