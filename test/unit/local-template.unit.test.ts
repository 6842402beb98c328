import { describe, expect, test } from 'vitest';
import { Resolver } from '../../infra/local/resolver.ts';
import { assertSupported, type Template } from '../../infra/local/template.ts';

const template: Template = {
  Parameters: { BootstrapVersion: { Default: '/cdk-bootstrap/version' } },
  Resources: { Table: { Type: 'AWS::DynamoDB::Table' }, Role: { Type: 'AWS::IAM::Role' } },
};

function resolverWithTable(): Resolver {
  const resolver = new Resolver(template, {
    region: 'eu-west-1',
    accountId: '000000000000',
    stackName: 'shop',
  });
  resolver.define('Table', { ref: 'shop-Table', attributes: { Arn: 'arn:table' } });
  return resolver;
}

describe('the resolver', () => {
  test.each<[string, unknown, unknown]>([
    ['Ref of a resource', { Ref: 'Table' }, 'shop-Table'],
    ['Ref of a parameter', { Ref: 'BootstrapVersion' }, '/cdk-bootstrap/version'],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'arn:table'],
    ['GetAtt as a string', { 'Fn::GetAtt': 'Table.Arn' }, 'arn:table'],
    ['Join', { 'Fn::Join': ['/', ['a', { Ref: 'AWS::AccountId' }, 1]] }, 'a/000000000000/1'],
    ['Select of Split', { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
    ['Sub', { 'Fn::Sub': '${AWS::StackName}-${Table.Arn}-${!literal}' }, 'shop-arn:table-${literal}'],
    [
      'Sub with variables',
      { 'Fn::Sub': ['${x}-${Table}', { x: { Ref: 'AWS::Partition' } }] },
      'aws-shop-Table',
    ],
    ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['NoValue in a list', [{ Ref: 'AWS::NoValue' }, 1], [1]],
    ['a resource that is not made locally', { Ref: 'Role' }, 'Role'],
    ['an object with one key that is no intrinsic', { Reference: 'x' }, { Reference: 'x' }],
  ])('%s', (_case, value, expected) => {
    expect(resolverWithTable().resolve(value)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['a resource the template lacks', { Ref: 'Nobody' }],
    ['an attribute nobody gave', { 'Fn::GetAtt': ['Table', 'Colour'] }],
    ['an intrinsic it does not know', { 'Fn::Cidr': ['10.0.0.0/8', 1, 8] }],
  ])('refuses %s', (_case, value) => {
    expect(() => resolverWithTable().resolve(value)).toThrow();
  });
});

test('a resource that would be missing locally is refused, one without local meaning is not', () => {
  expect(() => {
    assertSupported(template);
  }).not.toThrow();
  expect(() => {
    assertSupported({ Resources: { Machine: { Type: 'AWS::StepFunctions::StateMachine' } } });
  }).toThrow('Machine');
});
