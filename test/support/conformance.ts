/**
 * What every domain owes, tested from its definition alone: states, transitions and rules come from the
 * registry, inputs from the examples and bounds of its schemas. A new definition needs no line here.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, TestRunner } from 'vitest';
import type { Domain } from '../../functions/core/definition.ts';
import { startBackend } from './backend.ts';
import type { TestBackend } from './backend.ts';
import { duplicatesAndRaces } from './conformance/duplicates-and-races.ts';
import { edges } from './conformance/edges.ts';
import { inputs } from './conformance/inputs.ts';
import { isolation } from './conformance/isolation.ts';
import { listed } from './conformance/listed.ts';
import { transitions } from './conformance/transitions.ts';
import { uniqueness } from './conformance/uniqueness.ts';
import { whoMay } from './conformance/who-may.ts';
import { exampleOf } from './examples.ts';
import { patientClient } from './patient.ts';
import { problemsOf } from './store-invariants.ts';
import { dump } from './table-dump.ts';
import { createTestClock } from './test-clock.ts';
import { Walk } from './walk.ts';
import { withRoute } from './with-route.ts';

/** A way that a test has found closed ends the others that need it: why is told once, and not by each of them. */
class ToldOnce extends Map<string, string> {
  readonly #ended = new Map<object, string>();

  override get(way: string): string | undefined {
    const why = super.get(way);
    const test = TestRunner.getCurrentTest();
    if (why === undefined || !test) return why;
    this.#ended.set(test, why);
    return test.context.skip(`see the first failure: ${why}`);
  }

  /** A test that is ended here closes the way it was on, for the same reason. */
  override set(way: string, why: string): this {
    return super.set(way, this.#ended.get(TestRunner.getCurrentTest() ?? this) ?? why);
  }

  /**
   * Skipped tests are not listed by a run.
   * @throws where none has failed: then nobody would hear why they were not run
   */
  tell(hasFailed: boolean): void {
    const reasons = [...this.#ended.values()];
    for (const why of new Set(reasons))
      console.info(`${reasons.filter((each) => each === why).length} more not run: ${why}`);
    if (reasons.length > 0 && !hasFailed) throw new Error(`tests were not run: ${reasons[0] ?? ''}`);
  }
}

/** What the tests of one definition share. */
export interface Subject {
  readonly domain: Domain;
  readonly api: () => TestBackend;
  /** A tenant of its own, so that no test meets another's data. */
  readonly walk: () => Walk;
}

/**
 * Registers the tests of one definition.
 * @param all there are: it may refer to others
 */
export function conformance(written: Domain, all: readonly Domain[]): void {
  const domains = all.map(withRoute);
  const domain = domains[all.indexOf(written)] ?? written;
  describe(domain.collection, () => {
    const clock = createTestClock();
    let api: TestBackend | undefined;
    const started = (): TestBackend => {
      if (!api) throw new Error('the backend has not started');
      return api;
    };
    beforeAll(async () => {
      api = await startBackend({ domains, clock, client: patientClient });
    });
    const closed = new ToldOnce();
    let hasFailed = false;
    afterEach(({ task }) => {
      hasFailed ||= task.result?.state === 'fail';
    });
    afterAll(() => {
      api?.backend.store.client.destroy();
      closed.tell(hasFailed);
    });
    const walk = (): Walk => new Walk(started(), clock, randomUUID(), closed);
    const subject: Subject = { domain, api: started, walk };

    transitions(subject);
    edges(subject);
    uniqueness(subject);
    duplicatesAndRaces(subject);
    isolation(subject);
    listed(subject);
    whoMay(subject);
    inputs(subject);

    if (written.create.internal === true)
      it('has no route to its creation', async () => {
        const here = await startBackend({ domains: all, tables: started().tables });
        const reply = await here.post(`/v1/${domain.collection}`, exampleOf(domain.create.input));
        here.backend.store.client.destroy();
        expect(reply.status).toBe(405);
      });

    it('leaves a store in which ledgers, balances, unique values and messages agree', async () => {
      const { store, registry } = started().backend;
      const all = await dump(store);
      expect(all.size).toBeGreaterThan(0);
      expect(problemsOf(registry, all)).toEqual([]);
    });
  });
}
