import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Fails a run whose `-t` fits no test: Vitest skips all of them and calls that a success. */
export class NothingRan implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const pattern = this.#vitest?.config.testNamePattern;
    if (pattern === undefined) return;
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    if (tests.some((one) => one.result().state !== 'skipped')) return;
    // A file that could not be loaded has no tests, and says so itself.
    if (modules.some((module) => module.errors().length > 0)) return;
    this.#vitest?.logger.error(`No test has a name like ${String(pattern)}: nothing was run.`);
    process.exitCode = 1;
  }
}
