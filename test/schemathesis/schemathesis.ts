/**
 * `npm run test:schemathesis`: Schemathesis over the OpenAPI document of a backend that is started for it. Each
 * operation has a tenant in which its example works, so each must have been answered 2xx. A last run follows the
 * document's links from one operation to the next. Exit code 75 where Schemathesis cannot be had.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { assertLoopback } from '../support/loopback.ts';
import { endGroup } from '../support/processes.ts';
import { pythonEnvironment, runWherePossible, step } from '../support/python-environment.ts';
import { startMailServer, startReceiver } from '../support/receivers.ts';
import { startBackendProcess, tokenFor } from '../support/started-backend.ts';
import { statusesSeen } from './report.ts';
import { workedExamples, type Document, type WorkedExample } from './worked-examples.ts';

const here = import.meta.dirname;
/** A fixed one, so that a finding comes again; another finds others. */
const seed = Number(process.env['SCHEMATHESIS_SEED'] ?? '20261125');
/** Of each operation alone: again and again until the time is spent. */
const drawn = { maxSeconds: 60, examplesMax: 10 };
/** From one operation to the next, again and again. */
const linked = { maxSeconds: 30 };
/** A run that hangs is ended; many times what one may take. */
const patienceMs = 20 * 60_000;

/** @param values by their names; strings of JSON are strings of TOML */
const toml = (table: string, values: Readonly<Record<string, unknown>>): string =>
  [
    table,
    ...Object.entries(values).map(([name, value]) => `${JSON.stringify(name)} = ${JSON.stringify(value)}`),
  ]
    .join('\n')
    .concat('\n');

/** The committed settings, and for each operation its token and the ids to draw from. */
async function settings(examples: readonly WorkedExample[]): Promise<string> {
  const parts = [await readFile(path.join(here, 'schemathesis.toml'), 'utf8')];
  for (const { operationId, token, ids } of examples) {
    parts.push(
      toml('[[operations]]', { 'include-operation-id': operationId }),
      toml('[operations.headers]', { Authorization: `Bearer ${token}` }),
    );
    for (const [name, value] of Object.entries(ids)) {
      parts.push(
        toml(`[operations.parameters."path.${name}"]`, {
          dictionary: `${operationId}-${name}`,
          probability: 1,
        }),
        toml(`[dictionaries."${operationId}-${name}"]`, { values: [value] }),
      );
    }
  }
  return parts.join('\n');
}

interface Run {
  readonly name: string;
  readonly settings: string;
  readonly document: Document;
  readonly parts: readonly string[];
}

/** Its signature is made of the bytes of the body, with a secret: no document can say it, and nobody draws it. */
const signed = '/callbacks/{receiver}';

/** @returns whether it found nothing, and where its report is */
async function run(
  python: string,
  folder: string,
  url: string,
  { name, settings: text, document, parts }: Run,
): Promise<{ readonly isClean: boolean; readonly report: string }> {
  const report = path.join(folder, `${name}.ndjson`);
  await writeFile(path.join(folder, `${name}.toml`), text);
  await writeFile(path.join(folder, `${name}.json`), JSON.stringify(document));
  const program = ['-m', 'schemathesis.cli', '--config-file', `${name}.toml`, 'run', `${name}.json`];
  const child = spawn(
    python,
    [
      ...program,
      ...['--url', assertLoopback(url), '--seed', String(seed), '--no-color', '--workers', '1'],
      ...['--report', 'ndjson', '--report-ndjson-path', report, '--exclude-path', signed, ...parts],
    ],
    {
      cwd: folder,
      // Nothing of the caller's own: no proxy, no settings.
      env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, PYTHONPATH: here, NO_PROXY: '*' },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    },
  );
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
    void endGroup(child);
  };
  const deadline = setTimeout(end, patienceMs);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  const [code] = (await once(child, 'exit')) as [number | null];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
  clearTimeout(deadline);
  // The other runs are not begun.
  if (ended.signal.aborted) throw new Error(`the run "${name}" was ended before its time`);
  return { isClean: code === 0, report };
}

async function testAll(python: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'commit-once-schemathesis-'));
  const [mails, receiver] = await Promise.all([startMailServer(), startReceiver()]);
  const backend = await startBackendProcess({
    variables: { SMTP_URL: mails.url, EXTERNAL_CALL_URL: receiver.url },
  });
  try {
    const given = (await (await fetch(`${backend.url}/openapi.json`)).json()) as Document;
    const { document, examples } = await step('each example made ready', () =>
      workedExamples(given, backend.url, mails, receiver),
    );
    await copyFile(path.join(here, 'hooks.py'), path.join(folder, 'hooks.py'));
    const alone = { settings: await settings(examples), document };
    // However slow the machine is, every example is sent; what is drawn has a time.
    const first = await step('the example of each operation', () =>
      run(python, folder, backend.url, { name: 'examples', ...alone, parts: ['--phases', 'examples'] }),
    );
    const second = await step('each operation alone', () =>
      run(python, folder, backend.url, {
        name: 'alone',
        ...alone,
        parts: [
          ...['--phases', 'coverage,fuzzing', '--max-examples', String(drawn.examplesMax)],
          ...['--max-time', String(drawn.maxSeconds)],
        ],
      }),
    );
    const third = await step('from one operation to the next', async () => {
      const token = await tokenFor('linked');
      return run(python, folder, backend.url, {
        name: 'linked',
        settings: await settings([]),
        document: given,
        parts: [
          ...['--phases', 'stateful', '--max-time', String(linked.maxSeconds)],
          ...['--header', `Authorization: Bearer ${token}`],
        ],
      });
    });
    const seen = await statusesSeen([first, second, third].map(({ report }) => report));
    const unreached = examples
      .filter(({ operation }) => operation.path !== signed)
      .map(({ operation: { method, path: route } }) => `${method} ${route}`)
      .map((label) => ({ label, counts: [...(seen.get(label) ?? [])] }))
      .filter(({ counts }) => !counts.some(([status]) => status >= 200 && status < 300))
      .map(
        ({ label, counts }) =>
          `${label}: ${counts.map(([status, count]) => `${count} x ${status}`).join(', ')}`,
      );
    const answers = [...seen.values()].flatMap((counts) => [...counts.values()]);
    process.stdout.write(
      `${answers.reduce((sum, count) => sum + count, 0)} answers of ${examples.length} operations\n`,
    );
    if (unreached.length > 0) throw new Error(`never answered 2xx:\n${unreached.join('\n')}`);
    if (![first, second, third].every(({ isClean }) => isClean))
      throw new Error('schemathesis has findings: see above');
  } finally {
    await Promise.all([backend.stop(), mails.stop(), receiver.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

process.stdout.write(`seed ${seed} (SCHEMATHESIS_SEED)\n`);
await runWherePossible('test:schemathesis', 'schemathesis', async () => {
  await testAll(
    await step('schemathesis installed', () =>
      pythonEnvironment('schemathesis', path.join(here, 'requirements.txt')),
    ),
  );
});
