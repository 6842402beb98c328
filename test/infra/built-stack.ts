import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { buildApp, type BuildOptions } from '../../infra/cdk/app.ts';
import { entries, type FunctionName } from '../../infra/cdk/bundle.ts';
import type { StageName } from '../../infra/cdk/stages.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

export const given = {
  jwtIssuer: 'https://issuer.example',
  jwtAudience: ['commit-once'],
  mailFrom: 'shop@mail.example',
  // An inference profile, because its permission is the harder one.
  llmModelId: 'eu.amazon.nova-lite-v1:0',
  externalCallUrl: 'https://receiver.example/calls',
} as const;

/** A folder of its own for each cloud assembly; the operating system clears it away. */
export const newOutdir = (): string => mkdtempSync(join(tmpdir(), 'commit-once-synth-'));

/** Stands in for the bundles: a template says where code is, not what it does. */
function emptyBundles(): ReadonlyMap<FunctionName, string> {
  const folder = newOutdir();
  return new Map(
    (Object.keys(entries) as FunctionName[]).map((name) => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'index.mjs'), `export const handler = async () => '${name}';`);
      return [name, join(folder, name)];
    }),
  );
}

export function build(stage: StageName, more: Partial<BuildOptions> = {}): ReturnType<typeof buildApp> {
  return buildApp({
    ...given,
    stage,
    validate: false,
    outdir: newOutdir(),
    bundles: emptyBundles(),
    ...more,
  });
}

const templates = new Map<StageName, Template>();

/** The template of a stage, built once a test file. */
export function templateOf(stage: StageName): Template {
  let template = templates.get(stage);
  if (template === undefined) {
    template = Template.fromStack(build(stage).stack);
    templates.set(stage, template);
  }
  return template;
}

/** Resources of one type by their logical id, whose trailing hash is cut off. */
export function resources(stage: StageName, type: string): Map<string, Resource> {
  const found = templateOf(stage).findResources(type) as Record<string, Resource>;
  return new Map(Object.entries(found).map(([id, resource]) => [shortId(id), resource]));
}

export function shortId(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** A reference as readable text: `Ref` and `Fn::GetAtt` become the short logical id, joins are joined. */
export function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  const object = value as { Ref?: string; 'Fn::GetAtt'?: [string, string]; 'Fn::Join'?: [string, unknown[]] };
  if (object.Ref !== undefined)
    return object.Ref.startsWith('AWS::') ? `<${object.Ref}>` : shortId(object.Ref);
  if (object['Fn::GetAtt'] !== undefined) {
    const [id, attribute] = object['Fn::GetAtt'];
    return attribute === 'Arn' ? shortId(id) : `${shortId(id)}.${attribute}`;
  }
  const join = object['Fn::Join'];
  if (join !== undefined) return join[1].map(readable).join(join[0]);
  return JSON.stringify(value);
}
