import { App } from 'aws-cdk-lib';
import { buildApp } from './app.ts';
import { addSecurityChecks } from './checks.ts';
import { readOptions } from './options.ts';

/** The entry of `cdk.json`: context in, cloud assembly out; a refusal is one line and exit code 1. */
const given = new App({ autoSynth: false });
const read = readOptions(
  (name) => given.node.tryGetContext(name) as unknown,
  Object.keys(given.node.getAllContext() as Readonly<Record<string, unknown>>),
);
if (read.ok) {
  const { app } = buildApp(read.options);
  addSecurityChecks(app);
  app.synth();
} else {
  process.stderr.write(`${read.reason}\n`);
  process.exitCode = 1;
}
