import { existsSync } from 'node:fs';
import path from 'node:path';
import { LambdaFunction } from './lambda-function.ts';
import type { Log } from './log.ts';
import type { Resolver } from './resolver.ts';
import { assetFolder, resourcesOf, served, type Template } from './template.ts';

export interface FunctionOptions {
  readonly assetDirectory: string;
  readonly region: string;
  readonly accountId: string;
  /** Variables every function gets; they stand above those of the template. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Log;
}

interface FunctionProperties {
  readonly FunctionName?: string;
  readonly Handler: string;
  readonly Runtime?: string;
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly Code: { readonly S3Key?: string };
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
}

/** The Lambda functions of a template, found by name or by ARN. */
export class Functions {
  readonly #byArn = new Map<string, LambdaFunction>();

  /** Reads them from the template; nothing is loaded yet. */
  constructor(template: Template, resolver: Resolver, options: FunctionOptions) {
    const { region, accountId } = options;
    const names = new Map<string, string>();
    for (const [logicalId, { Properties = {} }] of resourcesOf(template, served.function)) {
      const given = resolver.resolve(Properties['FunctionName']);
      const name = typeof given === 'string' ? given : logicalId;
      const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
      names.set(logicalId, name);
      resolver.define(logicalId, { ref: name, attributes: { Arn: arn } });
    }
    for (const [logicalId, { Properties = {} }] of resourcesOf(template, served.version)) {
      const name = String(resolver.resolve(Properties['FunctionName']));
      resolver.define(logicalId, {
        ref: `arn:aws:lambda:${region}:${accountId}:function:${name}:1`,
        attributes: { Version: '1' },
      });
    }
    for (const [logicalId, { Properties = {} }] of resourcesOf(template, served.alias)) {
      const name = String(resolver.resolve(Properties['FunctionName']));
      const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}:${String(Properties['Name'])}`;
      resolver.define(logicalId, { ref: arn, attributes: { AliasArn: arn } });
    }
    for (const [logicalId, { Properties }] of resourcesOf(template, served.function)) {
      const properties = resolver.resolve(Properties) as FunctionProperties;
      const name = names.get(logicalId) ?? logicalId;
      this.#add(name, properties, options);
    }
  }

  #add(name: string, properties: FunctionProperties, options: FunctionOptions): void {
    const { region, accountId } = options;
    const key = properties.Code.S3Key;
    if (key === undefined) throw new Error(`the code of function ${name} is not an asset`);
    const [module = 'index', exportName = 'handler'] = properties.Handler.split('.');
    const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
    const folder = assetFolder(options.assetDirectory, key);
    // CloudFormation's defaults where the template says nothing.
    const timeoutSeconds = properties.Timeout ?? 3;
    const memoryMb = properties.MemorySize ?? 128;
    const variables = { ...properties.Environment?.Variables };
    // Flags for Lambda's own Node process; a worker thread refuses some of them.
    delete variables['NODE_OPTIONS'];
    const shortName = variables['POWERTOOLS_SERVICE_NAME'] ?? name;
    const configuration = {
      name: shortName,
      arn,
      file: moduleFile(folder, module),
      exportName,
      timeoutSeconds,
      memoryMb,
      environment: {
        ...variables,
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: 'local',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        _HANDLER: properties.Handler,
        LAMBDA_TASK_ROOT: folder,
        TZ: ':UTC',
        ...(process.env['PATH'] !== undefined && { PATH: process.env['PATH'] }),
        ...options.environment,
      },
    };
    this.#byArn.set(arn, new LambdaFunction(configuration, options.log));
  }

  /** @param arn of a function, of a version or of an alias; all three run the same code here */
  byArn(arn: string): LambdaFunction {
    const found = this.#byArn.get(arn.split(':').slice(0, 7).join(':'));
    if (found === undefined) throw new Error(`the template has no function ${arn}`);
    return found;
  }

  byName(name: string): LambdaFunction | undefined {
    return this.all().find((candidate) => candidate.configuration.name === name);
  }

  all(): readonly LambdaFunction[] {
    return [...this.#byArn.values()];
  }
}

/** Lambda takes a handler's module with any of these endings. */
function moduleFile(folder: string, module: string): string {
  const files = ['.mjs', '.js', '.cjs'].map((ending) => path.join(folder, `${module}${ending}`));
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`the code of a function is missing: ${files[0] ?? ''}`);
  return found;
}
