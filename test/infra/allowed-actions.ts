import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { StageName } from '../../infra/cdk/stages.ts';
import { readable, resources, type Resource } from './built-stack.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** Role -> resource -> the actions it is allowed there, all sorted. */
export type Allowed = Map<string, Record<string, string[]>>;

export const allowed = (stage: StageName): Allowed =>
  allowedBy(resources(stage, 'AWS::IAM::Policy').values());

export const allowedIn = (stack: Stack): Allowed =>
  allowedBy(Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy')) as Resource[]);

function allowedBy(policies: Iterable<Resource>): Allowed {
  const roles: Allowed = new Map();
  for (const { Properties } of policies) {
    const document = Properties['PolicyDocument'] as { Statement: Statement[] };
    for (const role of Properties['Roles'] as unknown[]) {
      const entries = roles.get(readable(role)) ?? {};
      roles.set(readable(role), entries);
      for (const statement of document.Statement) {
        if (statement.Effect !== 'Allow') throw new Error(`a ${statement.Effect} needs a reader of its own`);
        for (const resource of list(statement.Resource).map(readable)) {
          entries[resource] = [...(entries[resource] ?? []), ...list(statement.Action)].map(String).sort();
        }
      }
    }
  }
  return roles;
}

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];
