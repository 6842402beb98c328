/**
 * Says in one line that this Node is too old, before anything is loaded that such a Node cannot read. So it is
 * JavaScript of the oldest kind that still knows modules.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { URL } from 'node:url';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const needed = engines.node.replace(/[^0-9.]/g, '');
const numbers = (version) => version.split('.').map(Number);
const [major, minor] = numbers(process.versions.node);
const [neededMajor, neededMinor] = numbers(needed);
if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  process.stderr.write(
    `Node.js is too old: ${needed} or newer is needed, and this is ${process.versions.node}\n`,
  );
  process.exit(1);
}
