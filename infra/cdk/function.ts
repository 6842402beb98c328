import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Architecture, Code, Function, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { IFunction, IVersion } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { bundleHandler, type FunctionName } from './bundle.ts';
import type { StageSettings } from './stages.ts';

/** What every construct of the stack is built with. */
export interface Setting {
  readonly stage: StageSettings;
  /** Folder of each function's bundle. */
  readonly bundles: ReadonlyMap<FunctionName, string>;
}

export interface ServiceFunctionProps extends Setting {
  readonly name: FunctionName;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** Its share of the account's concurrency, which is its cap too; reserved where the stage does so. */
  readonly reservedConcurrency?: number;
  /** Reached through an alias and released by canary where the stage does so. */
  readonly canary?: boolean;
}

/**
 * One Lambda function with a role and a log group of its own. The role is not CDK's default one: that carries the
 * managed policy `AWSLambdaBasicExecutionRole`, which may write to every log group of the account.
 */
export class ServiceFunction extends Construct {
  readonly name: FunctionName;
  readonly memoryMb: number;
  readonly function: Function;
  /** What integrations and event sources call: the alias `live` where there is one. */
  readonly target: IFunction;
  readonly alias: Alias | undefined;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const folder = props.bundles.get(props.name);
    if (folder === undefined) throw new Error(`${props.name} was not bundled`);
    this.name = props.name;
    this.memoryMb = props.memoryMb;

    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.stage.logRetention,
      removalPolicy: props.stage.keep.data ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);

    this.function = new Function(this, 'Function', {
      description: props.description,
      code: Code.fromAsset(folder),
      handler: bundleHandler,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMb,
      ...(props.stage.concurrency.isReserved &&
        props.reservedConcurrency !== undefined && {
          reservedConcurrentExecutions: props.reservedConcurrency,
        }),
      timeout: Duration.seconds(props.timeoutSeconds),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
      environment: {
        STAGE: props.stage.name,
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: props.name,
        // Where nobody looks at metrics none is written.
        ...(!props.stage.dashboard && { POWERTOOLS_METRICS_DISABLED: 'true' }),
      },
    });
    acknowledge(
      role,
      'AwsSolutions-IAM5[Resource::*]',
      'PutTraceSegments and PutTelemetryRecords of X-Ray know no resource, nor does ListStreams for the relays; tests list every action granted on "*".',
    );
    if (props.canary === true && props.stage.canary) {
      this.alias = new Alias(this, 'Live', {
        aliasName: 'live',
        version: this.function.currentVersion as IVersion,
      });
      this.target = this.alias as IFunction;
    } else {
      this.target = this.function;
    }
  }
}
