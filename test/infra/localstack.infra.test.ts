/** What can be known without Docker: that the compose file, the deployment's values and the stage fit each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  composedReceivers as receivers,
  contextOf,
  givenReceivers,
} from '../../infra/tools/localstack/context.ts';
import { cdkVariables, endpointOf } from '../../infra/tools/localstack/endpoint.ts';
import { restApiUrl } from '../../infra/tools/localstack/outputs.ts';
import { readOptions } from '../../infra/cdk/options.ts';
import { allowedIn } from './allowed-actions.ts';
import { build, resources } from './built-stack.ts';

const folder = join(import.meta.dirname, '../../infra/tools/localstack');
const compose = readFileSync(join(folder, 'compose.yaml'), 'utf8');
const context = contextOf('{"keys":[]}', receivers);
const read = readOptions((name) => context[name]);

test('the values of the deployment are such as the stage takes', () => {
  expect(read).toMatchObject({ ok: true, options: { stage: 'localstack', ...receivers } });
});

test('mail, calls and the model go to the receivers, and nothing needs SES or Bedrock', () => {
  if (!read.ok) throw new Error(read.reason);
  const { stack } = build('localstack', read.options);
  const roles = allowedIn(stack);
  for (const role of ['NotificationWorkerRole', 'LlmWorkerRole']) {
    const actions = Object.values(roles.get(role) ?? {}).flat();
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => /^(?:ses|bedrock):/.test(action))).toEqual([]);
  }
});

test('every receiver is a service of the compose file, in the network that the functions run in', () => {
  const services = [...compose.matchAll(/^ {2}([a-z]+):$/gm)].map((match) => match[1]);
  for (const url of Object.values(receivers)) expect(services).toContain(new URL(url).hostname);
  const network = /^ {6}LAMBDA_DOCKER_NETWORK: (\S+)$/m.exec(compose)?.[1];
  expect(network).toMatch(/./);
  expect(/^networks:\n {2}default:\n {4}name: (\S+)$/m.exec(compose)?.[1]).toBe(network);
});

test('the images are pinned', () => {
  const images = [...compose.matchAll(/image: (\S+)/g)].map((match) => match[1]);
  expect(images).toHaveLength(3);
  for (const image of images) expect(image).toMatch(/:v?\d+\.\d+\.\d+[\w.-]*\}?$/);
});

test('a REST API hands bodies over as the bytes that were sent', () => {
  const [api] = resources('localstack', 'AWS::ApiGateway::RestApi').values();
  expect(api?.Properties['BinaryMediaTypes']).toEqual(['*/*']);
});

test('receivers of another server have the names that npm start knows them by', () => {
  const given = givenReceivers({
    SMTP_URL: 'smtp://127.0.0.1:1025',
    EXTERNAL_CALL_URL: 'http://127.0.0.1:8080/calls',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:8080',
  });
  expect(given).toEqual({
    smtpUrl: 'smtp://127.0.0.1:1025',
    externalCallUrl: 'http://127.0.0.1:8080/calls',
    llmEndpointUrl: 'http://127.0.0.1:8080',
  });
  expect(givenReceivers({})).toEqual({});
  const values = contextOf('{"keys":[]}', given);
  expect(readOptions((name) => values[name])).toMatchObject({ ok: true, options: given });
});

test.each([
  [undefined, 'http://127.0.0.1:4566', false],
  ['', 'http://127.0.0.1:4566', false],
  ['http://127.0.0.1:4711', 'http://127.0.0.1:4711', true],
  ['http://localhost:4711/', 'http://127.0.0.1:4711', true],
])('AWS_ENDPOINT_URL=%s is an address of this machine', (given, url, isGiven) => {
  expect(endpointOf({ AWS_ENDPOINT_URL: given })).toEqual({ url, isGiven });
});

test.each([
  'https://127.0.0.1:4566',
  'http://localhost.localstack.cloud:4566',
  'http://127.0.0.1.example:4566',
  'http://127.0.0.1:4566@server.example',
  '127.0.0.1:4566',
  'here',
])('AWS_ENDPOINT_URL=%s is refused', (given) => {
  expect(() => endpointOf({ AWS_ENDPOINT_URL: given })).toThrow();
});

test('the CDK is led to that server by every variable, whatever stood there', () => {
  const variables = cdkVariables(endpointOf({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4711' }), {
    PATH: '/bin',
    AWS_PROFILE: 'prod',
    AWS_SESSION_TOKEN: 'token',
    AWS_ENDPOINT_URL_SQS: 'https://sqs.example',
  });
  expect(Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith('AWS_')))).toEqual({
    AWS_ENDPOINT_URL: 'http://127.0.0.1:4711',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:4711',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  });
  expect(variables['PATH']).toBe('/bin');
  expect(variables['CDK_HOME']).toContain('.local');
});

test('the tests ask the API by its id on the endpoint, wherever its URL leads', () => {
  const ApiUrl = 'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/localstack/';
  const outputs = { 'commit-once-localstack': { ApiUrl, ApiId: 'a1b2c3d4e5' } };
  expect(restApiUrl('http://127.0.0.1:4711', outputs)).toBe(
    'http://127.0.0.1:4711/restapis/a1b2c3d4e5/localstack/_user_request_',
  );
  expect(restApiUrl('http://127.0.0.1:4711', {})).toBeUndefined();
});
