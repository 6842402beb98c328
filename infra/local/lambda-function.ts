import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import type { Log } from './log.ts';

export interface FunctionConfiguration {
  /** Name in the log and for `npm run invoke`. */
  readonly name: string;
  readonly arn: string;
  /** The deployed bundle. */
  readonly file: string;
  readonly exportName: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** What Lambda reports of an invocation that gave no answer. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type Invocation =
  | { readonly ok: true; readonly payload: unknown; readonly requestId: string }
  | { readonly ok: false; readonly error: FunctionError; readonly requestId: string };

interface Pending {
  readonly settle: (invocation: Invocation) => void;
  readonly timer: NodeJS.Timeout;
}

interface Environment {
  readonly worker: Worker;
  readonly pending: Map<string, Pending>;
  readonly loaded: Promise<void>;
  /** Invocations in it that wait for others, by party. */
  readonly waiting: Map<string, number>;
  retired: boolean;
}

type Ended =
  { readonly id: string; readonly payload: string } | { readonly id: string; readonly error: FunctionError };

type WorkerMessage = { readonly loaded: true } | { readonly party: string; readonly waiting: 1 | -1 } | Ended;

/**
 * How many invocations work at once; more wait in a queue. Lambda would start an execution environment for each. Here
 * all share two or three processors, and a thousand at once would all be late. One that waits for a lock does not count:
 * it could keep out the one that unlocks.
 */
const workingMax = 16;
/** Of one party, so that there is always room for another: a tenant's audits may take seconds. */
const partyMax = 12;
/** Of one party while others are there: each of their requests waits for the processor behind all that it has under way. */
const partyMaxAmongOthers = 4;
/** For how long a party that has nothing under way is still there. */
const presenceMs = 1_000;

/**
 * What is new in the memory of each environment. V8's own bound, 48 MB, is for a program alone; here a dozen of them would
 * grow to it one after the other, and gain nothing by it.
 */
const maxYoungGenerationSizeMb = 12;

/**
 * One Lambda function: the deployed bundle in a worker thread with an environment of its own. Invocations run
 * beside each other in the one environment; Lambda would start one environment for each.
 */
export class LambdaFunction {
  readonly configuration: FunctionConfiguration;
  readonly #log: Log;
  /** Those that wait for a place, by party. */
  readonly #queues = new Map<string, (() => void)[]>();
  /** Those that have one. */
  readonly #places = new Map<string, number>();
  /** When each party came last. */
  readonly #cameAt = new Map<string, number>();
  #current: Environment | undefined;
  #stopped = false;

  constructor(configuration: FunctionConfiguration, log: Log) {
    this.configuration = configuration;
    this.#log = log;
  }

  /** Loads the bundle. Throws what the bundle throws while it is loaded. */
  async start(): Promise<void> {
    this.#current ??= this.#createEnvironment();
    await this.#current.loaded;
  }

  /**
   * Runs the handler with an event, which may be any JSON value. Never throws: a failure is in the answer.
   * @param party for whom, so that a crowd of one party does not keep out the others
   */
  async invoke(event: unknown, party = ''): Promise<Invocation> {
    await this.#place(party);
    try {
      return await this.#run(event);
    } finally {
      add(this.#places, party, -1);
      this.#letIn();
    }
  }

  /** Takes a place, once one is free. */
  async #place(party: string): Promise<void> {
    const queue = this.#queues.get(party) ?? [];
    this.#queues.set(party, queue);
    this.#cameAt.set(party, performance.now());
    const taken = new Promise<void>((resolve) => queue.push(resolve));
    this.#letIn();
    await taken;
  }

  /** Lets in as many as there is room for: of each party the first, and of the parties the one that has the fewest at work. */
  #letIn(): void {
    for (;;) {
      const working = [...this.#places.keys()].reduce((sum, party) => sum + this.#workingOf(party), 0);
      if (working >= workingMax) return;
      const [next] = [...this.#queues.keys()].toSorted((a, b) => this.#workingOf(a) - this.#workingOf(b));
      if (next === undefined || this.#workingOf(next) >= this.#partyMax()) return;
      const queue = this.#queues.get(next) ?? [];
      const letIn = queue.shift();
      if (queue.length === 0) this.#queues.delete(next);
      add(this.#places, next, 1);
      letIn?.();
    }
  }

  #partyMax(): number {
    const since = performance.now() - presenceMs;
    for (const [party, cameAt] of this.#cameAt) {
      if (cameAt < since && !this.#places.has(party) && !this.#queues.has(party)) this.#cameAt.delete(party);
    }
    return this.#cameAt.size > 1 ? partyMaxAmongOthers : partyMax;
  }

  #workingOf(party: string): number {
    return (this.#places.get(party) ?? 0) - (this.#current?.waiting.get(party) ?? 0);
  }

  async #run(event: unknown): Promise<Invocation> {
    const requestId = randomUUID();
    const { configuration } = this;
    if (this.#stopped) return failure(requestId, 'Runtime.ExitError', 'the function is stopped');
    const environment = (this.#current ??= this.#createEnvironment());
    try {
      await environment.loaded;
    } catch (error) {
      return failure(requestId, 'Runtime.ImportModuleError', String(error));
    }
    if (environment.retired) return await this.#run(event);
    return await new Promise((settle) => {
      const timeoutMs = configuration.timeoutSeconds * 1_000;
      const timer = setTimeout(() => {
        this.#timeOut(environment, requestId);
      }, timeoutMs);
      environment.pending.set(requestId, { settle, timer });
      environment.worker.postMessage({
        id: requestId,
        event: JSON.stringify(event),
        context: {
          timeoutMs,
          fields: {
            awsRequestId: requestId,
            functionName: configuration.name,
            functionVersion: '$LATEST',
            invokedFunctionArn: configuration.arn,
            memoryLimitInMB: String(configuration.memoryMb),
            logGroupName: `/aws/lambda/${configuration.name}`,
            logStreamName: 'local',
          },
        },
      });
    });
  }

  /** Waits up to `graceMs` for what runs, then ends the environment. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const environment = this.#current;
    if (environment === undefined) return;
    const deadline = Date.now() + graceMs;
    while (environment.pending.size > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    environment.retired = true;
    await environment.worker.terminate();
  }

  #createEnvironment(): Environment {
    const { name, file, exportName, environment: variables } = this.configuration;
    const worker = new Worker(new URL('./function-worker.js', import.meta.url), {
      name,
      workerData: { file, exportName },
      env: { ...variables },
      // Without this a worker inherits the loader of this process and compiles what is compiled already.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb },
      stdout: true,
      stderr: true,
    });
    for (const stream of [worker.stdout, worker.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#log(name, line);
      });
    }
    const pending = new Map<string, Pending>();
    let settleLoaded: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
    const loaded = new Promise<void>((resolve, reject) => {
      settleLoaded = { resolve, reject };
    });
    // The one who waits for it hears of the failure; without a waiter it must not end the process.
    loaded.catch(() => undefined);
    const environment: Environment = { worker, pending, loaded, waiting: new Map(), retired: false };
    worker.on('message', (message: WorkerMessage) => {
      if ('loaded' in message) settleLoaded?.resolve();
      else if ('waiting' in message) this.#count(environment, message.party, message.waiting);
      else this.#answer(environment, message);
    });
    worker.on('error', (error) => {
      settleLoaded?.reject(error);
      if (!this.#stopped) this.#log(name, `the environment ended: ${String(error)}`);
      this.#replace(environment);
    });
    worker.on('exit', () => {
      settleLoaded?.reject(new Error(`${name} ended while it was loaded`));
      this.#replace(environment);
      for (const id of [...pending.keys()]) {
        this.#settle(environment, id, failure(id, 'Runtime.ExitError', 'the runtime exited'));
      }
    });
    return environment;
  }

  #count({ waiting }: Environment, party: string, change: 1 | -1): void {
    add(waiting, party, change);
    this.#letIn();
  }

  #answer(environment: Environment, message: Ended): void {
    const { id } = message;
    this.#settle(
      environment,
      id,
      'error' in message
        ? { ok: false, error: message.error, requestId: id }
        : { ok: true, payload: JSON.parse(message.payload) as unknown, requestId: id },
    );
    this.#endWhenIdle(environment);
  }

  #settle(environment: Environment, id: string, invocation: Invocation): void {
    const pending = environment.pending.get(id);
    if (pending === undefined) return;
    environment.pending.delete(id);
    clearTimeout(pending.timer);
    pending.settle(invocation);
  }

  /** Lambda resets the environment of a timed-out invocation; others that share it here may finish first. */
  #timeOut(environment: Environment, id: string): void {
    const { timeoutSeconds, name } = this.configuration;
    this.#log(name, `${id} Task timed out after ${timeoutSeconds.toFixed(2)} seconds`);
    this.#replace(environment);
    this.#settle(
      environment,
      id,
      failure(
        id,
        'Sandbox.Timedout',
        `RequestId: ${id} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
      ),
    );
    this.#endWhenIdle(environment);
  }

  #replace(environment: Environment): void {
    environment.retired = true;
    if (this.#current === environment) this.#current = undefined;
  }

  #endWhenIdle(environment: Environment): void {
    if (environment.retired && environment.pending.size === 0) void environment.worker.terminate();
  }
}

function add(counts: Map<string, number>, party: string, change: 1 | -1): void {
  const count = (counts.get(party) ?? 0) + change;
  if (count === 0) counts.delete(party);
  else counts.set(party, count);
}

function failure(requestId: string, errorType: string, errorMessage: string): Invocation {
  return { ok: false, error: { errorType, errorMessage }, requestId };
}
