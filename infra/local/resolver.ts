import type { Template } from './template.ts';

/** What `Ref` and `Fn::GetAtt` of one resource give. */
export interface ResourceValues {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the pseudo parameters of a template (`AWS::Region`, ...) stand for. */
export interface PseudoParameters {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
}

/** Marks a property that `AWS::NoValue` takes away. */
const noValue = Symbol('AWS::NoValue');

/**
 * Resolves the intrinsic functions of a template against the resources made so far.
 * `Fn::If` and `Fn::ImportValue` are not supported, because the stack uses neither.
 */
export class Resolver {
  readonly #template: Template;
  readonly #parameters: PseudoParameters;
  readonly #resources = new Map<string, ResourceValues>();

  constructor(template: Template, parameters: PseudoParameters) {
    this.#template = template;
    this.#parameters = parameters;
  }

  /** Tells what a resource turned out to be; what refers to it can be resolved from now on. */
  define(logicalId: string, values: ResourceValues): void {
    this.#resources.set(logicalId, values);
  }

  /** @returns the value with every intrinsic replaced. Throws where one cannot be. */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) {
      return value.map((entry) => this.resolve(entry)).filter((entry) => entry !== noValue);
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [first] = entries;
    if (entries.length === 1 && first !== undefined && (first[0] === 'Ref' || first[0].startsWith('Fn::'))) {
      return this.#intrinsic(first[0], first[1]);
    }
    return Object.fromEntries(
      entries
        .map(([key, entry]) => [key, this.resolve(entry)] as const)
        .filter(([, entry]) => entry !== noValue),
    );
  }

  #intrinsic(name: string, argument: unknown): unknown {
    switch (name) {
      case 'Ref':
        return this.#ref(text(argument, name));
      case 'Fn::GetAtt': {
        const [logicalId, attribute] = Array.isArray(argument)
          ? argument.map((part) => text(this.resolve(part), name))
          : splitOnce(text(argument, name), '.');
        return this.#attribute(logicalId ?? '', attribute ?? '');
      }
      case 'Fn::Join': {
        const [separator, parts] = list(argument, name);
        return list(this.resolve(parts), name)
          .map((part) => text(part, name))
          .join(text(separator, name));
      }
      case 'Fn::Split': {
        const [separator, source] = list(argument, name);
        return text(this.resolve(source), name).split(text(separator, name));
      }
      case 'Fn::Select': {
        const [index, source] = list(argument, name);
        return list(this.resolve(source), name)[Number(index)];
      }
      case 'Fn::Sub':
        return this.#substitute(argument);
      case 'Fn::Base64':
        return Buffer.from(text(this.resolve(argument), name)).toString('base64');
      default:
        throw new Error(`the local stack does not know the intrinsic function ${name}`);
    }
  }

  #ref(name: string): unknown {
    const { region, accountId, stackName } = this.#parameters;
    switch (name) {
      case 'AWS::Region':
        return region;
      case 'AWS::AccountId':
        return accountId;
      case 'AWS::Partition':
        return 'aws';
      case 'AWS::URLSuffix':
        return 'amazonaws.com';
      case 'AWS::StackName':
        return stackName;
      case 'AWS::StackId':
        return `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/local`;
      case 'AWS::NoValue':
        return noValue;
    }
    const parameter = this.#template.Parameters?.[name];
    if (parameter !== undefined) return parameter.Default;
    const resource = this.#resources.get(name);
    if (resource !== undefined) return resource.ref;
    // Roles, log groups and the like are not made here, but names and permissions may speak of them.
    if (this.#template.Resources[name] !== undefined) return name;
    throw new Error(`the template refers to ${name}, which it does not contain`);
  }

  #attribute(logicalId: string, attribute: string): string {
    const resource = this.#resources.get(logicalId);
    const value = resource?.attributes[attribute];
    if (value !== undefined) return value;
    if (resource === undefined && this.#template.Resources[logicalId] !== undefined) {
      const { region, accountId } = this.#parameters;
      return `arn:aws:local:${region}:${accountId}:${logicalId}/${attribute}`;
    }
    throw new Error(`the local stack does not know the attribute ${attribute} of ${logicalId}`);
  }

  #substitute(argument: unknown): string {
    const [pattern, variables] = Array.isArray(argument)
      ? [text(argument[0], 'Fn::Sub'), this.resolve(argument[1]) as Record<string, unknown>]
      : [text(argument, 'Fn::Sub'), {}];
    return pattern.replace(/\$\{(!?)([^}]+)\}/g, (_all, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (name in variables) return text(variables[name], 'Fn::Sub');
      if (!name.includes('.')) return text(this.#ref(name), 'Fn::Sub');
      const [logicalId, attribute] = splitOnce(name, '.');
      return this.#attribute(logicalId, attribute);
    });
  }
}

function splitOnce(value: string, separator: string): [string, string] {
  const at = value.indexOf(separator);
  return [value.slice(0, at), value.slice(at + separator.length)];
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where} expects a string, not ${JSON.stringify(value)}`);
}

function list(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new Error(`${where} expects a list, not ${JSON.stringify(value)}`);
}
