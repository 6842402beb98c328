import { Validations } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { stageNames } from '../../infra/cdk/stages.ts';
import { addSecurityChecks } from '../../infra/cdk/checks.ts';
import { build, readable, resources } from './built-stack.ts';

test.each(stageNames)('cdk-nag finds nothing that is not acknowledged: %s', (stage) => {
  const { app } = build(stage, { alarmEmail: 'people@mail.example' });
  addSecurityChecks(app);
  expect(() => app.synth()).not.toThrow();
});

test('cdk-nag is really asked: a topic that takes unencrypted messages fails the synthesis', () => {
  const { app, stack } = build('dev');
  new Topic(stack, 'Open');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  expect(() => app.synth()).toThrow();
});

test('every queue and the bucket refuse unencrypted transport', () => {
  const secured = new Set(
    [...resources('dev', 'AWS::SQS::QueuePolicy').values()].map(({ Properties }) => {
      expect(JSON.stringify(Properties['PolicyDocument'])).toContain('"aws:SecureTransport":"false"');
      return JSON.stringify(Properties['Queues']);
    }),
  );
  expect(secured.size).toBe(resources('dev', 'AWS::SQS::Queue').size);
  const [bucketPolicy] = resources('dev', 'AWS::S3::BucketPolicy').values();
  expect(JSON.stringify(bucketPolicy)).toContain('"aws:SecureTransport":"false"');
});

test.each(['dev', 'staging', 'prod'] as const)(
  '%s: what alarms tell is encrypted, with a key that alarms of this account may use',
  (stage) => {
    const [topic] = resources(stage, 'AWS::SNS::Topic').values();
    expect(readable(topic?.Properties['KmsMasterKeyId'])).toBe('AlarmsTopicKey');
    const key = resources(stage, 'AWS::KMS::Key').get('AlarmsTopicKey')?.Properties;
    expect(key?.['EnableKeyRotation']).toBe(true);
    const { Statement } = key?.['KeyPolicy'] as { Statement: Record<string, unknown>[] };
    expect(Statement).toContainEqual({
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  },
);

test('no value of a secret stands in a template', () => {
  for (const stage of stageNames) {
    for (const { Properties } of resources(stage, 'AWS::Lambda::Function').values()) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
      expect(Object.keys(Variables)).not.toContain('WEBHOOK_SECRET');
    }
    for (const { Properties } of resources(stage, 'AWS::SecretsManager::Secret').values()) {
      expect(Properties).not.toHaveProperty('SecretString');
      expect(Properties).toHaveProperty('GenerateSecretString');
    }
  }
});
