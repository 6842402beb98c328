import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../../cdk.json' with { type: 'json' };
import { bundle, entries, type FunctionName } from './bundle.ts';
import type { DeployOptions } from './options.ts';
import { CommitOnceStack } from './stack.ts';
import { stages, type StageSettings } from './stages.ts';

export interface BuildOptions extends DeployOptions {
  /** Folder of the cloud assembly: template, assets and the bundles they are made from. A fresh one by default. */
  readonly outdir?: string;
  /**
   * Whether `app.synth()` checks the template against CloudFormation's own rules, which takes two seconds and more.
   * True by default; a start on one machine, which deploys nothing, leaves it out.
   */
  readonly validate?: boolean;
  /** Bundles made already, by function; they are made now by default. */
  readonly bundles?: ReadonlyMap<FunctionName, string>;
}

/** The settings of the stage, as far as the deployment does not say otherwise. */
function settingsOf({ stage: name, alarms, reservedConcurrency }: DeployOptions): StageSettings {
  const stage = stages[name];
  const isReserved =
    reservedConcurrency === undefined ? stage.concurrency.isReserved : reservedConcurrency === 'on';
  return {
    ...stage,
    concurrency: { ...stage.concurrency, isReserved },
    ...(alarms === 'off' && { alarms: 'none' }),
  };
}

/**
 * Builds the CDK app of one stage, with its functions bundled, ready for `app.synth()`. Needs no network, no
 * Docker and no AWS account: the stack is the same in every account and Region. Throws where a function does not
 * bundle.
 */
export function buildApp(options: BuildOptions): { readonly app: App; readonly stack: CommitOnceStack } {
  const stage = settingsOf(options);
  const app = new App({
    ...(options.outdir !== undefined && { outdir: options.outdir }),
    analyticsReporting: false,
    treeMetadata: false,
    builtinCloudFormationValidation: options.validate ?? true,
    // The CLI passes the same flags; an app built in process has to get them too, or its template would differ.
    context: cdk.context,
  });
  const names = (Object.keys(entries) as FunctionName[]).filter(
    (name) => name !== (stage.api === 'rest' ? 'api' : 'rest-api'),
  );
  const stack = new CommitOnceStack(app, `commit-once-${stage.name}`, {
    description: `commit-once, stage ${stage.name}`,
    terminationProtection: stage.terminationProtection,
    options,
    stage,
    bundles: options.bundles ?? bundle(names, join(app.outdir, 'bundles')),
  });
  return { app, stack };
}
