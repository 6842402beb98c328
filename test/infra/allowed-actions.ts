import type { StageName } from '../../infra/stages.ts';
import { readable, resources } from './built-stack.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** Role -> resource -> the actions it is allowed there, all sorted. */
export function allowed(stage: StageName): Map<string, Record<string, string[]>> {
  const roles = new Map<string, Record<string, string[]>>();
  for (const { Properties } of resources(stage, 'AWS::IAM::Policy').values()) {
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
