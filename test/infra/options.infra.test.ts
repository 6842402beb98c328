import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { gapsOf, readOptions } from '../../infra/cdk/options.ts';
import { build, newOutdir } from './built-stack.ts';

const complete = { stage: 'prod', jwtIssuer: 'https://issuer.example/', jwtAudience: 'one, two' };
const read = (context: Record<string, unknown>): ReturnType<typeof readOptions> =>
  readOptions((name) => context[name]);

test('stage, issuer and audience are all that is needed', () => {
  expect(read(complete)).toMatchObject({
    ok: true,
    options: { stage: 'prod', jwtIssuer: 'https://issuer.example/', jwtAudience: ['one', 'two'] },
  });
});

test.each([
  ['true', { hotfix: true }],
  ['false', {}],
  [undefined, {}],
])('hotfix=%s', (hotfix, expected) => {
  const result = read({ ...complete, hotfix });
  expect(result).toMatchObject({ ok: true, options: expected });
  if (result.ok) expect('hotfix' in result.options).toBe('hotfix' in expected);
});

test('evolve=anyway lets the function begin with definitions that are refused', () => {
  expect(read({ ...complete, evolve: 'anyway' })).toMatchObject({ ok: true, options: { evolve: 'anyway' } });
  const functions = (more: Parameters<typeof build>[1]) =>
    Object.values(Template.fromStack(build('dev', more).stack).findResources('AWS::Lambda::Function'));
  expect(JSON.stringify(functions({ evolve: 'anyway' })).match(/"EVOLVE":"anyway"/g)).toHaveLength(1);
  expect(JSON.stringify(functions({}))).not.toContain('EVOLVE');
});

test.each(['dev', 'staging', 'localstack'])('alarms=off for %s', (stage) => {
  expect(read({ ...complete, stage, alarms: 'off' })).toMatchObject({ ok: true, options: { alarms: 'off' } });
  const on = read({ ...complete, stage, alarms: 'on' });
  expect(on.ok && 'alarms' in on.options).toBe(false);
});

test.each(['on', 'off'])('reservedConcurrency=%s in every stage', (reservedConcurrency) => {
  for (const stage of ['dev', 'staging', 'prod', 'localstack']) {
    expect(read({ ...complete, stage, reservedConcurrency })).toMatchObject({
      ok: true,
      options: { reservedConcurrency },
    });
  }
  const unset = read(complete);
  expect(unset.ok && 'reservedConcurrency' in unset.options).toBe(false);
});

test.each(['no-reply@news.shop.example', 'news.shop.example', 'shop.example'])(
  'an identity that sends for its sender: %s',
  (mailIdentity) => {
    const result = read({ ...complete, mailFrom: 'no-reply@news.shop.example', mailIdentity });
    expect(result).toMatchObject({ ok: true, options: { mailIdentity } });
  },
);

test.each([
  [
    'prod',
    { externalCallUrl: 'https://receiver.example/calls?of=shop@home', alarmEmail: 'people@mail.example' },
  ],
  [
    'dev',
    {
      externalCallUrl: 'http://receiver:8080/calls',
      alarmEmail: 'people+shop@mail.example',
      smtpUrl: 'smtp://mail:1025',
      llmEndpointUrl: 'http://model:8080',
    },
  ],
  ['localstack', { llmEndpointUrl: 'https://model.example/', smtpUrl: 'smtps://mail:465' }],
])('what %s takes', (stage, given) => {
  expect(read({ ...complete, ...given, stage })).toMatchObject({ ok: true, options: given });
});

describe('the console signs in', () => {
  const all = {
    consoleClientId: 'client-1',
    consoleScopes: ' openid  profile ',
    consoleResource: 'https://api.example',
    consoleAudience: 'api',
    consoleTokenOrigin: 'https://auth.issuer.example',
  };
  const signIn = (context: Record<string, unknown>) => {
    const result = read({ ...complete, ...context });
    return result.ok ? result.options.consoleSignIn : result.reason;
  };

  test('at the issuer, by what is given', () => {
    expect(signIn({})).toBeUndefined();
    expect(signIn({ consoleClientId: 'client-1' })).toEqual({
      issuer: 'https://issuer.example/',
      clientId: 'client-1',
      scopes: 'openid commands ops',
    });
    expect(signIn(all)).toEqual({
      issuer: 'https://issuer.example/',
      clientId: 'client-1',
      scopes: 'openid profile',
      resource: 'https://api.example',
      audience: 'api',
      tokenOrigin: 'https://auth.issuer.example',
    });
  });

  test.each(['dev', 'localstack'] as const)('and its function is told so, in %s', (stage) => {
    const told = (more: Parameters<typeof build>[1]) =>
      Object.values(Template.fromStack(build(stage, more).stack).findResources('AWS::Lambda::Function'))
        .map(({ Properties }) => Properties as { Environment: { Variables: Record<string, string> } })
        .map(({ Environment: { Variables } }) => Variables)
        .filter((variables) => 'CONSOLE_SIGN_IN' in variables);
    const consoleSignIn = { issuer: 'https://issuer.example', clientId: 'client-1', scopes: 'openid' };
    expect(told({})).toEqual([]);
    expect(told({ consoleSignIn })).toMatchObject([
      { POWERTOOLS_SERVICE_NAME: 'docs', CONSOLE_SIGN_IN: JSON.stringify(consoleSignIn) },
    ]);
  });

  test.each([
    ['scopes without a client', { consoleScopes: 'openid' }, 'consoleClientId'],
    ['a client with a space', { consoleClientId: 'a b' }, 'consoleClientId'],
    ['scopes without openid', { ...all, consoleScopes: 'commands ops' }, 'consoleScopes'],
    ['a scope in quotes', { ...all, consoleScopes: '"openid" openid' }, 'consoleScopes'],
    ['a resource that is no URI', { ...all, consoleResource: 'api' }, 'consoleResource'],
    ['a resource with a fragment', { ...all, consoleResource: 'https://api.example#a' }, 'consoleResource'],
    [
      'a token origin with a path',
      { ...all, consoleTokenOrigin: 'https://auth.example/' },
      'consoleTokenOrigin',
    ],
    ['any origin of a domain', { ...all, consoleTokenOrigin: 'https://*.example' }, 'consoleTokenOrigin'],
    [
      'an origin that ends the directive',
      { ...all, consoleTokenOrigin: 'https://a;b' },
      'consoleTokenOrigin',
    ],
    [
      'tokens over plain http in production',
      { ...all, consoleTokenOrigin: 'http://auth.example' },
      'consoleTokenOrigin',
    ],
    ['an issuer that means many', { ...all, jwtIssuer: 'https://*.example' }, 'issuer'],
  ])('but is refused %s', (_, context, named) => {
    expect(signIn(context)).toMatch(new RegExp(`^[^\\n]*${named}[^\\n]*$`));
  });

  test('tokens over plain http are for development', () => {
    const context = { stage: 'dev', consoleClientId: 'c', consoleTokenOrigin: 'http://127.0.0.1:4000' };
    expect(signIn(context)).toMatchObject({ tokenOrigin: 'http://127.0.0.1:4000' });
  });
});

describe('gaps', () => {
  const gaps = (context: Record<string, unknown>): string[] => {
    const result = read({ ...complete, ...context });
    return result.ok ? gapsOf(result.options).map(({ option }) => option) : [result.reason];
  };
  const full = {
    mailFrom: 'shop@mail.example',
    externalCallUrl: 'https://receiver.example',
    // What stands where none is given, but on purpose.
    llmModelId: 'amazon.nova-lite-v1:0',
  };

  test('are told one by one, a model that few Regions have too', () => {
    expect(gaps({})).toEqual(['mailFrom', 'externalCallUrl', 'llmModelId']);
    for (const option of Object.keys(full)) {
      expect(gaps({ ...full, [option]: undefined })).toEqual([option]);
    }
    expect(gaps(full)).toEqual([]);
  });

  test.each(['eu.amazon.nova-lite-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0'])(
    'are none with the model %s',
    (llmModelId) => {
      expect(gaps({ ...full, llmModelId })).toEqual([]);
    },
  );
});

describe('refused', () => {
  test.each([
    ['no stage', { ...complete, stage: undefined }],
    ['an unknown stage', { ...complete, stage: 'production' }],
    ['a name every object has', { ...complete, stage: 'constructor' }],
    ['no issuer', { ...complete, jwtIssuer: undefined }],
    ['an empty issuer', { ...complete, jwtIssuer: ' ' }],
    ['an issuer over plain http in production', { ...complete, jwtIssuer: 'http://issuer.example' }],
    ['an issuer that is no URL', { ...complete, jwtIssuer: 'issuer' }],
    ['no audience', { ...complete, jwtAudience: undefined }],
    ['an audience of commas', { ...complete, jwtAudience: ' , ' }],
    ['a sender with a display name', { ...complete, mailFrom: 'Shop <shop@mail.example>' }],
    [
      'an identity that does not send for the sender',
      { ...complete, mailFrom: 'no-reply@shop.example', mailIdentity: 'op.example' },
    ],
    [
      'an identity below the sender',
      { ...complete, mailFrom: 'no-reply@shop.example', mailIdentity: 'news.shop.example' },
    ],
    ['a receiver over plain http in production', { ...complete, externalCallUrl: 'http://receiver.example' }],
    [
      'a password in the URL of the receiver',
      { ...complete, stage: 'dev', externalCallUrl: 'https://user:word@receiver.example' },
    ],
    [
      'a user in the URL of the receiver',
      { ...complete, externalCallUrl: 'https://user@receiver.example/calls' },
    ],
    ['a receiver that is no URL', { ...complete, stage: 'dev', externalCallUrl: 'receiver.example' }],
    ['alarms for a display name', { ...complete, alarmEmail: 'People <people@mail.example>' }],
    ['alarms for no address', { ...complete, alarmEmail: 'people' }],
    ['no alarms in prod', { ...complete, alarms: 'off' }],
    ['concurrency neither on nor off', { ...complete, reservedConcurrency: '10' }],
    ['alarms neither on nor off', { ...complete, stage: 'dev', alarms: 'none' }],
    ['a stand-in for the model in production', { ...complete, llmEndpointUrl: 'https://model.example' }],
    ['a stand-in that is no URL', { ...complete, stage: 'dev', llmEndpointUrl: 'model:8080' }],
    [
      'a password in the URL of the stand-in',
      { ...complete, stage: 'dev', llmEndpointUrl: 'http://user:word@model.example' },
    ],
    ['a model nobody can be given leave for', { ...complete, llmModelId: 'arn:aws:bedrock:x' }],
    ['an evolve that says no', { ...complete, evolve: 'no' }],
    ['a model of many', { ...complete, llmModelId: 'amazon.*' }],
    ['an SMTP server in production', { ...complete, smtpUrl: 'smtp://mail.example:25' }],
    [
      'a password in the SMTP URL',
      { ...complete, stage: 'dev', smtpUrl: 'smtp://user:word@mail.example:25' },
    ],
    ['a hotfix that is neither true nor false', { ...complete, hotfix: 'yes' }],
    ['a hotfix where no release goes by canary', { ...complete, stage: 'dev', hotfix: 'true' }],
    ['keys outside localstack', { ...complete, jwtKeys: '{"keys":[]}' }],
  ])('%s', (_, context) => {
    const result = read(context);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.reason).toMatch(/^[^\n]+$/);
  });
});

describe('the entry of cdk.json', () => {
  const root = join(import.meta.dirname, '../..');
  const run = (context: Record<string, string>): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, ['--import', 'tsx', 'infra/cdk/main.ts'], {
      cwd: root,
      env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: newOutdir() },
      encoding: 'utf8',
    });

  test('an unknown stage is one line on stderr that lists the stages, and exit code 1', () => {
    const { status, stderr, stdout } = run({ ...complete, stage: 'test' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^[^\n]*dev, staging, prod, localstack\n$/);
  });

  test('a missing issuer is one line on stderr that says what to give, and exit code 1', () => {
    const { status, stderr } = run({ stage: 'dev', jwtAudience: 'commit-once' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^[^\n]*-c jwtIssuer=[^\n]*\n$/);
  });
});
