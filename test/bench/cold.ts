/**
 * `npm run bench -- --cold`: what each function's bundle holds, and how long a fresh process takes to load it; for the
 * API also its first two requests, beside the stock handler's. The database is warm.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { build } from 'esbuild';
import type { Metafile } from 'esbuild';
import { bundleOptions, entries } from '../../infra/cdk/bundle.ts';
import { startBackend } from '../../infra/local/backend.ts';
import { startDynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { local } from '../../infra/tools/explain/workbench.ts';
import { median } from './load.ts';
import { httpEvent } from './sides.ts';
import { createStockTables } from './stock/tables.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');
const starts = 5;
const partsShown = 4;

interface Cold {
  readonly name: string;
  readonly file: string;
  readonly exportName: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly events: readonly unknown[];
}

interface Times {
  readonly load: { readonly ms: number; readonly cpuMs: number };
  readonly requests: readonly { readonly ms: number; readonly cpuMs: number }[];
  readonly rssMb: number;
}

const payments = (): readonly unknown[] =>
  [1, 2].map(() =>
    httpEvent({
      path: '/v1/payments',
      key: randomUUID(),
      body: { payer: randomUUID(), payee: randomUUID(), amount: 1_250, currency: 'EUR' },
    }),
  );

async function start({ file, exportName, environment, events }: Cold): Promise<Times> {
  const program = path.join(import.meta.dirname, 'cold-process.js');
  const { stdout } = await run(process.execPath, [program, file, exportName, JSON.stringify(events)], {
    env: { ...environment, PATH: process.env['PATH'] },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Times;
}

/** `node_modules/@aws-sdk/client-sqs/...` is `@aws-sdk/client-sqs`; all that is ours is one part. */
const packageOf = (file: string): string =>
  /.*node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)/.exec(file)?.groups?.['name'] ?? 'our own';

/** Its largest parts, in KB. */
function partsOf({ inputs }: Metafile['outputs'][string]): string {
  const sizes = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = packageOf(file);
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  return [...sizes]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, partsShown)
    .map(([name, bytes]) => `${name} ${(bytes / 1_024).toFixed(0)}`)
    .join(', ');
}

async function bundled(
  entryPoints: readonly { in: string; out: string }[],
  outdir: string,
): Promise<Metafile['outputs']> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entryPoints],
    outdir,
    outExtension: { '.js': '.mjs' },
    metafile: true,
    ...bundleOptions,
  });
  return Object.fromEntries(
    Object.entries(metafile.outputs).map(([file, output]) => [path.basename(file, '.mjs'), output]),
  );
}

export async function coldStarts(printRow: (cells: readonly string[]) => void): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-cold-'));
  const outputs = {
    ...(await bundled(
      Object.entries(entries).map(([out, file]) => ({ in: file, out })),
      folder,
    )),
    ...(await bundled([{ in: path.join(import.meta.dirname, 'stock/functions.ts'), out: 'stock' }], folder)),
  };
  const database = await startDynamoDbLocal();
  const client = new DynamoDBClient({ endpoint: database.endpoint, ...local });
  await createStockTables(client);
  client.destroy();
  const backend = await startBackend({ variables: process.env, log: () => undefined });
  const stock: Cold = {
    name: 'stock',
    file: path.join(folder, 'stock.mjs'),
    exportName: 'api',
    environment: {
      AWS_REGION: local.region,
      AWS_ACCESS_KEY_ID: local.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: local.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
      AWS_LAMBDA_FUNCTION_NAME: 'stock',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    events: payments(),
  };
  const all = [
    stock,
    ...backend.stack.functions.map((each) => ({
      ...each,
      events: each.name === 'api' ? payments() : [],
    })),
  ];
  try {
    const seen = new Map(all.map((each) => [each, [] as Times[]]));
    // In turns, so that what disturbs the machine disturbs all.
    for (let n = 0; n < starts; n += 1) {
      for (const [each, times] of seen) {
        times.push(await start(each.events.length === 0 ? each : { ...each, events: payments() }));
      }
    }
    const columns = [
      'function',
      'KB',
      'largest parts, KB',
      'load ms',
      'CPU ms',
      '1st request ms',
      'CPU ms',
      '2nd ms',
      'MB',
    ];
    printRow(columns);
    printRow(columns.map(() => '---'));
    for (const [{ name }, times] of seen) {
      const output = outputs[name];
      const of = (value: (one: Times) => number | undefined): string => {
        const values = times.flatMap((one) => value(one) ?? []);
        return values.length === 0 ? '' : median(values).toFixed(0);
      };
      printRow([
        name,
        ((output?.bytes ?? 0) / 1_024).toFixed(0),
        output === undefined ? '' : partsOf(output),
        of(({ load }) => load.ms),
        of(({ load }) => load.cpuMs),
        of(({ requests }) => requests[0]?.ms),
        of(({ requests }) => requests[0]?.cpuMs),
        of(({ requests }) => requests[1]?.ms),
        of(({ rssMb }) => rssMb),
      ]);
    }
  } finally {
    await backend.stop();
    await database.stop();
    await rm(folder, { recursive: true });
  }
}
