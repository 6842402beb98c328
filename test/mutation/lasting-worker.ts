/**
 * A Vitest pool whose one thread lasts from mutant to mutant. Stryker has Vitest run anew for each, and Vitest a thread for
 * each run, which loads the AWS SDK first: that takes longer than most groups' tests.
 */
import { ThreadsPoolWorker } from 'vitest/node';
import type { PoolOptions, PoolRunnerInitializer, PoolWorker, VitestPluginContext } from 'vitest/node';

type Listener = (message: unknown) => void;
type Request = Parameters<PoolWorker['send']>[0];

class LastingWorker implements PoolWorker {
  readonly name = 'lasting';
  readonly #thread: ThreadsPoolWorker;
  readonly #project: PoolOptions['project'];
  #wasStatic = false;
  #listeners: { readonly event: string; readonly listener: Listener }[] = [];

  constructor(options: PoolOptions) {
    this.#thread = new ThreadsPoolWorker(options);
    this.#project = options.project;
  }

  /** Again for each run: the thread is there from the second on. */
  start(): Promise<void> {
    return this.#thread.start();
  }

  /** The run is over; the thread is not. */
  stop(): Promise<void> {
    for (const { event, listener } of this.#listeners) this.#thread.off(event, listener);
    this.#listeners = [];
    return Promise.resolve();
  }

  end(): Promise<void> {
    return this.#thread.stop();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push({ event, listener });
    this.#thread.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    this.#listeners = this.#listeners.filter((one) => one.event !== event || one.listener !== listener);
    this.#thread.off(event, listener);
  }

  send(message: Request): void {
    if (message.type === 'stop')
      queueMicrotask(() => {
        this.#sayStopped();
      });
    else if (message.type === 'run') this.#run(message);
    else this.#thread.send(message);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  /** A mutant in a constant of a module is there when that is evaluated: for it, and after it, all of ours are anew. */
  #run(message: Extract<Request, { readonly type: 'run' }>): void {
    const { context } = message;
    const isStatic = (context.providedContext as { mutantActivation?: string }).mutantActivation === 'static';
    const invalidates = isStatic || this.#wasStatic ? this.#ownModules() : [];
    this.#wasStatic = isStatic;
    this.#thread.send({ ...message, context: { ...context, invalidates } });
  }

  #sayStopped(): void {
    for (const { event, listener } of [...this.#listeners])
      if (event === 'message') listener({ type: 'stopped', __vitest_worker_response__: true });
  }

  #ownModules(): string[] {
    return Object.values(this.#project.vite.environments).flatMap(({ moduleGraph }) =>
      [...moduleGraph.fileToModulesMap.keys()].filter((file) => !file.includes('/node_modules/')),
    );
  }
}

/** Puts the pool in the place of the one that Stryker asks for. */
export const lastingWorker = {
  name: 'lasting-worker',
  configureVitest({ vitest, project }: VitestPluginContext): void {
    let worker: LastingWorker | undefined;
    const poolRunner: PoolRunnerInitializer = {
      name: 'lasting',
      createPoolWorker: (options) => (worker ??= new LastingWorker(options)),
    };
    Object.assign(project.config, { pool: poolRunner.name, poolRunner });
    vitest.onClose(() => worker?.end());
  },
};
