import {
  AuthorizationType,
  EndpointType,
  LambdaIntegration,
  RestApi,
  type IResource,
} from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { EdgeProps } from './http-api.ts';
import { openRoutes } from './routes.ts';

/**
 * The same edge as a REST API (v1), for LocalStack, whose free plan has no HTTP APIs, and whose CloudFormation has no
 * authorizer of a REST API. A token is still checked: the function verifies signature, issuer, audience and expiry
 * itself (`functions/api/rest-handler.ts`). The keys are given with the deployment (`jwtKeys`), or come from the issuer.
 */
export class RestEdge extends Construct {
  readonly api: RestApi;
  readonly url: string;

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    const { stage, options } = props;
    const { function: checking } = props.api;
    checking.addEnvironment('JWT_ISSUER', options.jwtIssuer);
    checking.addEnvironment('JWT_AUDIENCE', options.jwtAudience.join(','));
    if (options.jwtKeys !== undefined) checking.addEnvironment('JWT_KEYS', options.jwtKeys);

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
      defaultMethodOptions: { authorizationType: AuthorizationType.NONE },
    });
    const commands = new LambdaIntegration(props.api.target);
    const docs = new LambdaIntegration(props.docs.target);

    acknowledge(
      resource(this.api.root, '/v1/{proxy+}').addMethod('ANY', commands),
      'AwsSolutions-APIG4',
      'LocalStack has no authorizer of a REST API: the function checks the token of every route under /v1.',
    );
    const open = [
      ...['/', '/{proxy+}', '/v1'].map((path) => resource(this.api.root, path).addMethod('ANY', commands)),
      ...openRoutes.map((path) => resource(this.api.root, path).addMethod('ANY', docs)),
    ];
    for (const method of open) {
      acknowledge(
        method,
        'AwsSolutions-APIG4',
        'Open to all by contract: health, documents, the answers to unknown routes and wrong methods, and callbacks, whose signature the function checks.',
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
  ['AwsSolutions-COG4', 'Tokens come from any OpenID provider and are checked by the function.'],
] as const;

function resource(root: IResource, path: string): IResource {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reduce((parent, part) => parent.getResource(part) ?? parent.addResource(part), root);
}
