import { StartError } from './start-error.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** Services that the stack cannot do without; of the others only what needs them fails. */
const needed = ['DYNAMODB', 'SQS'] as const;
const answerMs = 5_000;

/** `AWS_ENDPOINT_URL_<service>` names one service's endpoint, `AWS_ENDPOINT_URL` that of all others. */
export function givenEndpoint(
  variables: Variables,
  service: string,
): { readonly name: string; readonly url: string } | undefined {
  const own = `AWS_ENDPOINT_URL_${service}`;
  const name = variables[own] === undefined ? 'AWS_ENDPOINT_URL' : own;
  const url = variables[name];
  return url === undefined || url === '' ? undefined : { name, url };
}

/**
 * Makes sure early that the caller's servers are there: an SDK would only say that some connection was refused.
 * @throws StartError that names the variable
 */
export async function assertEndpointsAnswer(variables: Variables): Promise<void> {
  for (const service of needed) {
    const given = givenEndpoint(variables, service);
    if (given === undefined) continue;
    try {
      // Any HTTP answer will do: without a signature it is a refusal, and that is an answer of the service.
      await fetch(given.url, { signal: AbortSignal.timeout(answerMs) });
    } catch (error) {
      const { cause } = error as { readonly cause?: unknown };
      const reason = cause instanceof Error ? cause.message : String(error);
      throw new StartError(`${given.name}: no server answers at ${given.url} (${reason})`);
    }
  }
}
