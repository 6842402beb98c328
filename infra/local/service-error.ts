import { givenEndpoint, type Variables } from './given-endpoints.ts';
import { StartError } from './start-error.ts';

export type Service = 'DYNAMODB' | 'SQS';

/** A request to a service failed, or was answered with what is none of its answers. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly service: Service;

  constructor(service: Service, cause: Error) {
    super(cause.message, { cause });
    this.service = service;
  }
}

/** For `catch`: says which service an error of the SDK came from. Any other error stays what it is. */
export const failedAt =
  (service: Service) =>
  (error: unknown): never => {
    // The SDK puts `$metadata` on every error of a request, also where no answer came or it could not be read.
    throw error instanceof Error && '$metadata' in error ? new ServiceError(service, error) : error;
  };

/** What the caller can put right, in one line: the server that an endpoint's variable names. */
export function startErrorOf(error: unknown, variables: Variables): unknown {
  if (!(error instanceof ServiceError)) return error;
  const given = givenEndpoint(variables, error.service);
  if (given === undefined) return error;
  const { name, message, $metadata } = error.cause as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  const answer = [
    ...(status === undefined ? [] : [`answered ${status},`]),
    `${name}:`,
    message.split('\n')[0],
  ];
  return new StartError(`${given.name}: the server at ${given.url} cannot be used (${answer.join(' ')})`);
}
