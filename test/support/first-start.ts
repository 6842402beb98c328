/** What a first start of a checkout does before it serves, in a process of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from './started-backend.ts';

const program = `
  import { createRequire } from 'node:module';
  import { provideAssembly } from './infra/local/assembly.ts';
  const { directory } = await provideAssembly(process.argv[1]);
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  console.log(JSON.stringify({ directory, cdk: loaded.some((file) => file.includes('aws-cdk-lib')) }));`;

/** @returns where it found or put its assembly under `folder`, and whether it has loaded the CDK by then */
export async function firstStart(folder: string): Promise<unknown> {
  const parameters = ['--import', 'tsx', '--input-type', 'module', '--eval', program, folder];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd: root });
  return JSON.parse(stdout);
}
