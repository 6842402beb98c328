/** What can be known without Docker: that the compose file, the deployment's values and the stage fit each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contextOf, receivers } from '../../infra/tools/localstack/context.ts';
import { readOptions } from '../../infra/cdk/options.ts';
import { allowedIn } from './allowed-actions.ts';
import { build, resources } from './built-stack.ts';

const folder = join(import.meta.dirname, '../../infra/tools/localstack');
const compose = readFileSync(join(folder, 'compose.yaml'), 'utf8');
const context = contextOf('{"keys":[]}');
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
