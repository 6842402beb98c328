/**
 * `npm run test:faults -- --minutes 10`: every single fault at every call of every command and delivery, all pairs of
 * faults, and random histories for as long as asked. `FAULT_SEED=<seed>` replays the history a failure named.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 24 * 60)) {
  process.stderr.write('usage: npm run test:faults -- --minutes <1 to 1440>\n');
  process.exit(2);
}
const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults', '--project', 'campaign'],
  {
    stdio: 'inherit',
    env: { ...process.env, FAULT_MINUTES: String(minutes) },
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const [code] = (await once(child, 'exit')) as [number | null];
process.exit(code ?? 1);
