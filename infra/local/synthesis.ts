import { buildApp } from '../cdk/app.ts';
import type { FunctionName } from '../cdk/bundle.ts';
import { stage } from './assembly.ts';
import { localAudience, localIssuer } from './token-key.ts';

/**
 * Writes the cloud assembly of the stage `dev` into a folder. Loads the CDK, which stays in memory.
 * @param bundles functions that were bundled elsewhere, all there are; bundled now by default
 */
export function synthesize(directory: string, bundles?: ReadonlyMap<FunctionName, string>): void {
  const { app } = buildApp({
    stage,
    jwtIssuer: localIssuer,
    jwtAudience: [localAudience],
    mailFrom: 'no-reply@localhost',
    llmModelId: 'local.stand-in',
    outdir: directory,
    validate: false,
    ...(bundles !== undefined && { bundles }),
  });
  app.synth();
}
