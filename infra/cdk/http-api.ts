import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
  type CfnStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import { callback } from '../../functions/runtime/delivery-limits.ts';
import { acknowledge } from './acknowledge.ts';
import type { ServiceFunction } from './function.ts';
import type { DeployOptions } from './options.ts';
import { callbackPath, openRoutes } from './routes.ts';
import type { StageSettings } from './stages.ts';

export interface EdgeProps {
  readonly stage: StageSettings;
  readonly options: DeployOptions;
  readonly api: ServiceFunction;
  readonly docs: ServiceFunction;
}

/** The arrow caller -> API function: an HTTP API whose JWT authorizer checks issuer, audience and expiry. */
export class HttpEdge extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    const { stage, options } = props;
    const commands = new HttpLambdaIntegration('Commands', props.api.target);
    const docs = new HttpLambdaIntegration('Docs', props.docs.target);
    const authorizer = new HttpJwtAuthorizer('Jwt', options.jwtIssuer, {
      jwtAudience: [...options.jwtAudience],
    });

    this.api = new HttpApi(this, 'Api', {
      description: `Commands and reads, ${stage.name}`,
      createDefaultStage: false,
      // `$default` has no authorizer: /health, unknown routes (404) and wrong methods (405) need no token, and the
      // function answers every one of them as problem+json.
      defaultIntegration: commands,
    });
    this.api.addRoutes({
      path: '/v1/{proxy+}',
      methods: [HttpMethod.ANY],
      integration: commands,
      authorizer,
    });
    const open: IConstruct[] = openRoutes.flatMap((path) =>
      this.api.addRoutes({ path, methods: [HttpMethod.ANY], integration: docs }),
    );
    // A route of its own, so that it has a rate of its own: whoever calls has no token.
    open.push(
      ...this.api.addRoutes({ path: callbackPath, methods: [HttpMethod.POST], integration: commands }),
    );
    for (const route of [...open, this.api.node.findChild('DefaultRoute')]) {
      acknowledge(
        route,
        'AwsSolutions-APIG4',
        'Open to all by contract: health, documents, the answers to unknown routes and wrong methods, and callbacks, whose signature the function checks.',
      );
    }

    const logGroup = new LogGroup(this, 'AccessLogs', {
      retention: stage.logRetention,
      removalPolicy: stage.keep.data ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    const deployed = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: stage.throttle.ratePerSecond, burstLimit: stage.throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        // The route, never the path: names of people stand in paths. The function's own line for the request, found
        // by its id, says what it was about. No query string, body or token either.
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            method: '$context.httpMethod',
            route: '$context.routeKey',
            status: '$context.status',
            latencyMs: '$context.responseLatency',
            integrationLatencyMs: '$context.integrationLatency',
            authorizerError: '$context.authorizer.error',
            integrationError: '$context.integrationErrorMessage',
          }),
        ),
      },
    });
    (deployed.node.defaultChild as CfnStage).routeSettings = {
      [`POST ${callbackPath}`]: {
        ThrottlingRateLimit: callback.ratePerSecond,
        ThrottlingBurstLimit: callback.burst,
      },
    };
    // CloudFormation wants the route to be there first.
    deployed.node.addDependency(...open);
    this.url = deployed.url;
  }
}
