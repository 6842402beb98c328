/** `npm run bench -- --noisy`: what a tenant hears of another one's noise, on a backend of its own (`npm start`). */
import { during, noises, quietTenant } from '../support/noise.ts';
import type { Heard } from '../support/noise.ts';
import { percentile } from '../support/virtual-time.ts';
import { startBackendProcess } from '../support/started-backend.ts';

const payments = 100;

const told = (answers: Readonly<Record<string, number>>): string =>
  Object.entries(answers)
    .map(([status, times]) => `${times} x ${status}`)
    .join(', ');

function row(what: string, heard: readonly Heard[], noise: Readonly<Record<string, number>>): string[] {
  const ms = heard.map((each) => each.ms).toSorted((one, other) => one - other);
  const answers: Record<string, number> = {};
  for (const { status } of heard) answers[status] = (answers[status] ?? 0) + 1;
  return [
    what,
    ...[0.5, 0.95].map((share) => percentile(ms, share).toFixed(0)),
    (ms.at(-1) ?? Number.NaN).toFixed(0),
    told(answers),
    told(noise),
  ];
}

export async function noisyTenant(printRow: (cells: readonly string[]) => void): Promise<void> {
  const columns = [
    'noise of another tenant',
    'p50 ms',
    'p95 ms',
    'slowest ms',
    'answers',
    'the noise is told',
  ];
  const backend = await startBackendProcess();
  try {
    await quietTenant(backend.url, payments);
    printRow(columns);
    printRow(columns.map(() => '---'));
    printRow(row('none', await quietTenant(backend.url, payments), {}));
    for (const noise of noises) {
      const [heard, answers] = await during(backend.url, noise, () => quietTenant(backend.url, payments));
      printRow(row(noise.name, heard, answers));
    }
  } finally {
    await backend.stop();
  }
}
