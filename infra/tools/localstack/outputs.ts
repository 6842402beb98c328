import path from 'node:path';
import { projectFolder } from '../../local/token-key.ts';

/** Where the outputs of the deployed stack are written and read. */
export const outputsFile = path.join(projectFolder, 'localstack-outputs.json');

/** Of a stack, as `cdk deploy --outputs-file` writes them: stack -> name -> value. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Where a server on one machine answers for the REST API of the stage. The output `ApiUrl` may be a host in the
 * Internet (ministack makes it one), and a token is not to go there.
 * @returns `undefined` where the stack is not among the outputs
 */
export function restApiUrl(endpoint: string, outputs: Outputs): string | undefined {
  const id = outputs['commit-once-localstack']?.['ApiId'];
  return id === undefined ? undefined : `${endpoint}/restapis/${id}/localstack/_user_request_`;
}
