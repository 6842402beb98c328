import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startSqsServer } from '../../infra/local/sqs.ts';
import { startStack, type Stack } from '../../infra/local/stack.ts';
import type { Template } from '../../infra/local/template.ts';
import { publicKeys, readTokenKey, signToken, type TokenRequest } from '../../infra/local/token-key.ts';
import { assertLoopback, localCredentials, localRegion } from './loopback.ts';

export interface FixtureStack {
  readonly stack: Stack;
  readonly url: string;
  readonly sqsEndpoint: string;
  readonly log: readonly string[];
  /** What the consumer function was invoked with, in order. */
  received(): Promise<{ Records: Record<string, unknown>[] }[]>;
  token(request?: Partial<TokenRequest>): Promise<string>;
  stop(): Promise<void>;
}

/** Serves a hand-made template with the functions of `fixtures/` on a free port. */
export async function startFixtureStack(
  template: Template,
  dynamodbEndpoint: string,
  stackName: string,
): Promise<FixtureStack> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'fixture-stack-'));
  const recordFile = path.join(folder, 'record.jsonl');
  const log: string[] = [];
  const sqs = await startSqsServer(localRegion);
  const key = await readTokenKey(folder);
  const stack = await startStack({
    template,
    assetDirectory: path.join(import.meta.dirname, 'fixtures'),
    stackName,
    region: localRegion,
    credentials: localCredentials,
    dynamodbEndpoint: assertLoopback(dynamodbEndpoint),
    sqsEndpoint: sqs.endpoint,
    queueSource: (queueUrl) => sqs.queueSource(queueUrl),
    environment: { RECORD_FILE: recordFile },
    tokenKeys: publicKeys(key),
    port: 0,
    log: (source, line) => log.push(`${source}: ${line}`),
  });
  return {
    stack,
    url: stack.url ?? '',
    sqsEndpoint: sqs.endpoint,
    log,
    received: async () => {
      const text = await readFile(recordFile, 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { Records: Record<string, unknown>[] });
    },
    token: (request = {}) =>
      signToken({ tenant: 'acme', subject: 'alice', scope: 'commands', expiresIn: '1h', ...request }, key),
    stop: async () => {
      await stack.stop();
      await sqs.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A function resource with the code of a fixture folder. */
export function fixtureFunction(
  code: 'probe' | 'consumer',
  variables: Readonly<Record<string, unknown>> = {},
  timeoutSeconds = 5,
): Template['Resources'][string] {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Handler: 'index.handler',
      Timeout: timeoutSeconds,
      MemorySize: 256,
      Code: { S3Bucket: 'assets', S3Key: `${code}.zip` },
      Environment: { Variables: variables },
    },
  };
}
