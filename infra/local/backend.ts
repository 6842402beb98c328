import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { provideAssembly, stackName, type Assembly } from './assembly.ts';
import { consoleTokenRoute } from './console-token.ts';
import { provideDataFolder } from './data-folder.ts';
import { readGivenIssuer } from './given-issuer.ts';
import { assertEndpointsAnswer } from './given-endpoints.ts';
import { startErrorOf } from './service-error.ts';
import { StartError } from './start-error.ts';
import { assertPortFree } from './ports.ts';
import type { Log } from './log.ts';
import type { Stack } from './stack.ts';
import { assertReadable, startDatabase, startServices, type LocalServices } from './services.ts';
import { projectFolder, publicKeys, readTokenKey } from './token-key.ts';

export interface BackendOptions {
  /** The environment of the contract's "Running it" table. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Absent: functions can be invoked, but nothing is taken in. 0 takes a free port. */
  readonly port?: number;
  readonly log: Log;
  /** Served instead of this project's app. */
  readonly assembly?: Assembly;
  /** Told as soon as the services and receivers are reachable. */
  readonly onServices?: (services: LocalServices) => void;
  /** Ends the synthesis that a start waits for, so that a stop need not wait for it. The start then fails. */
  readonly signal?: AbortSignal;
}

export interface Backend {
  readonly stack: Stack;
  stop(): Promise<void>;
}

/** Starts the whole backend: database, queues, receivers, and the synthesized stack on them. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { variables, log } = options;
  // The warning is for those who deploy; the functions on AWS run on a newer Node than the oldest supported here.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  // What this process and its database write holds payloads and the codes of invites: it is for this user alone.
  process.umask(0o077);
  assertReadable(variables);
  const issuer = readGivenIssuer(variables);
  const dataDirectory = readDataDirectory(variables);
  let keepDefinitions: (() => Promise<void>) | undefined;
  if (dataDirectory !== undefined) {
    await provideDataFolder(dataDirectory);
    // It brings all definitions along, which otherwise only the bundles of the functions hold.
    const { compareWithKept } = await import('./kept-definitions.ts');
    keepDefinitions = await compareWithKept(dataDirectory, { evolve: variables['EVOLVE'], log });
  }
  if (options.port !== undefined) await assertPortFree(options.port);
  await assertEndpointsAnswer(variables);
  const database = startDatabase(variables, dataDirectory);
  // Its failure is reported where it is waited for; until then it must not count as unhandled.
  database?.catch(() => undefined);
  const runFolder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-'));
  let services: LocalServices | undefined;
  let stack: Stack | undefined;
  const stop = async (): Promise<void> => {
    await stack?.stop();
    if (services !== undefined) await services.stop();
    else await database?.then((started) => started.stop()).catch(() => undefined);
    await rm(runFolder, { recursive: true, force: true });
  };
  try {
    const [assembly, { startStack }, key] = await Promise.all([
      options.assembly ?? provideAssembly(path.join(projectFolder, 'assemblies'), options.signal),
      import('./stack.ts'),
      readTokenKey(),
    ]);
    services = await startServices(variables, database, dataDirectory ?? runFolder, log);
    options.onServices?.(services);
    log('stack', `mails, calls and reports are kept in ${dataDirectory ?? runFolder}`);
    stack = await startStack({
      ...services,
      environment: { ...services.environment, ...issuer?.environment },
      template: assembly.template,
      assetDirectory: assembly.directory,
      stackName,
      tokenKeys: publicKeys(key),
      ...(issuer !== undefined && { moreTokens: issuer.authorizer }),
      localRoutes: [consoleTokenRoute(key)],
      afterRestart: { functionName: 'sweeper', event: { graceSeconds: 0 } },
      log,
      ...(options.port !== undefined && { port: options.port }),
    });
    if (stack.url !== undefined) services.callBackAt(stack.url);
    await keepDefinitions?.();
    return { stack, stop };
  } catch (error) {
    await stop();
    throw startErrorOf(error, variables);
  }
}

function readDataDirectory(variables: BackendOptions['variables']): string | undefined {
  const given = variables['DATA_DIR'];
  return given === undefined || given === '' ? undefined : path.resolve(given);
}

/** @throws StartError where the text is no port number. */
export function readPort(text: string | undefined): number {
  const port = text === undefined || text === '' ? 3000 : Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new StartError(`PORT ${text} is no port number`);
  return port;
}
