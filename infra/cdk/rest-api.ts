import {
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  RestApi,
  TokenAuthorizer,
  type IResource,
} from 'aws-cdk-lib/aws-apigateway';
import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { authorizerFunction } from '../../functions/runtime/limits.ts';
import { acknowledge } from './acknowledge.ts';
import { ServiceFunction, type Setting } from './function.ts';
import type { EdgeProps } from './http-api.ts';
import { openRoutes } from './routes.ts';

/**
 * The same edge as a REST API (v1), for LocalStack, whose free plan has no HTTP APIs and so no JWT authorizer.
 * A token is still checked: a Lambda authorizer verifies signature, issuer, audience and expiry and hands the
 * claims to the API function as `requestContext.authorizer`. The keys are given with the deployment (`jwtKeys`),
 * or come from the issuer.
 */
export class RestEdge extends Construct {
  readonly api: RestApi;
  readonly authorizer: ServiceFunction;
  readonly url: string;

  constructor(scope: Construct, id: string, props: EdgeProps & Setting) {
    super(scope, id);
    const { stage, options } = props;
    this.authorizer = new ServiceFunction(this, 'Authorizer', {
      stage,
      bundles: props.bundles,
      name: 'authorizer',
      description: 'Checks the token of a request to the REST API',
      ...authorizerFunction,
    });
    this.authorizer.function.addEnvironment('JWT_ISSUER', options.jwtIssuer);
    this.authorizer.function.addEnvironment('JWT_AUDIENCE', options.jwtAudience.join(','));
    if (options.jwtKeys !== undefined) this.authorizer.function.addEnvironment('JWT_KEYS', options.jwtKeys);

    this.api = new RestApi(this, 'Api', {
      description: `Commands and reads, ${stage.name}`,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: false,
      // Every body comes as the bytes that were sent, in base64. As text, which is the default, what is no UTF-8
      // would be lost before the function could refuse it.
      // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
      binaryMediaTypes: ['*/*'],
      deployOptions: {
        stageName: stage.name,
        throttlingRateLimit: stage.throttle.ratePerSecond,
        throttlingBurstLimit: stage.throttle.burst,
      },
    });
    const authorizer = new TokenAuthorizer(this, 'Jwt', {
      handler: this.authorizer.function,
      // A cached answer would name the method it was made for, and refuse the next one.
      resultsCacheTtl: Duration.seconds(0),
    });
    const commands = new LambdaIntegration(props.api.target);
    const docs = new LambdaIntegration(props.docs.target);
    const checked = { authorizer, authorizationType: AuthorizationType.CUSTOM } as const;
    const open = { authorizationType: AuthorizationType.NONE } as const;

    resource(this.api.root, '/v1/{proxy+}').addMethod('ANY', commands, checked);
    const unchecked = [
      ...['/', '/{proxy+}', '/v1'].map((path) =>
        resource(this.api.root, path).addMethod('ANY', commands, open),
      ),
      ...openRoutes.map((path) => resource(this.api.root, path).addMethod('ANY', docs, open)),
    ];
    for (const method of unchecked) {
      acknowledge(
        method,
        'AwsSolutions-APIG4',
        'Open to all by contract: health, documents, and the answers to unknown routes and wrong methods.',
      );
    }
    this.url = this.api.url;

    for (const [rule, reason] of onLocalStackOnly) acknowledge(this.api, rule, reason);
  }
}

const onLocalStackOnly = [
  ['AwsSolutions-APIG1', 'This API exists on LocalStack only, where API Gateway writes no access log.'],
  ['AwsSolutions-APIG6', 'This API exists on LocalStack only; the function logs every request itself.'],
  [
    'AwsSolutions-APIG2',
    'The function validates every request against the same schemas as behind the HTTP API.',
  ],
  ['AwsSolutions-APIG3', 'This API exists on LocalStack only, which nobody reaches from outside.'],
  ['AwsSolutions-COG4', 'Tokens come from any OpenID provider and are checked by the Lambda authorizer.'],
] as const;

function resource(root: IResource, path: string): IResource {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reduce((parent, part) => parent.getResource(part) ?? parent.addResource(part), root);
}
