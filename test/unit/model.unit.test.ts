import { describe, expect, test } from 'vitest';
import { parseModel } from '../../infra/cdk/model.ts';

const account = '123456789012';

describe('a model', () => {
  test.each(['amazon.nova-lite-v1:0', 'anthropic.claude-3-5-sonnet-20241022-v2:0', 'minimax.minimax-m2.1'])(
    'by its id: %s',
    (name) => {
      expect(parseModel(name)).toEqual({ is: 'model', name });
    },
  );

  test.each([
    'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0',
    'arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0',
    `arn:aws:bedrock:us-east-1:${account}:provisioned-model/a1b2c3d4e5f6`,
  ])('by an ARN that is enough: %s', (arn) => {
    expect(parseModel(arn)).toEqual({ is: 'resource', arn });
  });

  test.each(['us', 'us-gov', 'eu', 'apac', 'jp', 'au', 'ca', 'global'])(
    'behind an inference profile of %s',
    (where) => {
      const id = `${where}.amazon.nova-lite-v1:0`;
      const profile = { is: 'profile', id, model: 'amazon.nova-lite-v1:0' };
      expect(parseModel(id)).toEqual(profile);
      const arn = `arn:aws:bedrock:eu-central-1:${account}:inference-profile/${id}`;
      expect(parseModel(arn)).toEqual({ ...profile, arn });
    },
  );
});

test.each([
  [
    'an application inference profile',
    `arn:aws:bedrock:us-east-1:${account}:application-inference-profile/a1b2`,
  ],
  ['an inference profile without its place', `arn:aws:bedrock:us-east-1:${account}:inference-profile/a1b2`],
  ['an ARN of another service', 'arn:aws:s3:::amazon.nova-lite-v1:0'],
  ['every model', '*'],
  ['every model of a vendor', 'amazon.*'],
  ['a name without its vendor', 'nova-lite'],
  ['nothing', ''],
])('says no model: %s', (_, text) => {
  expect(parseModel(text)).toBeUndefined();
});
