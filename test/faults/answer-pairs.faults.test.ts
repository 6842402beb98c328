/**
 * G18 and G19 under pairs of faults: at every two calls to AWS that a worker makes until an answer has moved its entity,
 * over as many processes as die. The second is any call after the first fault, also one that is made because of it. Two
 * calls of the same two shapes meet each pair of faults once.
 */
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  answeredCalls,
  casesAtOnce,
  eventTimeoutMs,
  startAnswerLab,
  uncertainWords,
} from '../support/faults/answer-lab.ts';
import type { AnswerCaseOptions, AnswerLab } from '../support/faults/answer-lab.ts';
import { isRead } from '../support/faults/call-shape.ts';
import { count } from '../support/faults/counts.ts';
import { faultsAt, Injector } from '../support/faults/fault-client.ts';
import type { FaultKind } from '../support/faults/fault-client.ts';
import { progress } from '../support/faults/progress.ts';
import { socketEvents } from '../support/faults/provider.ts';
import { isFullScope } from '../support/faults/scope.ts';

let lab: AnswerLab;
beforeAll(async () => {
  lab = await startAnswerLab();
});
afterAll(() => lab.stop());

/**
 * What a worker tells apart: whether the service did it, and whether the process goes on. How the error is called makes
 * no difference to it, as single faults show. A read that was made is as one that was not; so is a word to the queue
 * about a delivery, since deliveries come here whatever the queue was told.
 */
const kindsOf = (command: string): readonly FaultKind[] =>
  isRead(command) || command === 'ChangeMessageVisibilityCommand'
    ? ['request lost', 'death before']
    : ['request lost', 'answer lost', 'death before', 'death after'];

/** A fault at a call. */
interface Place {
  readonly index: number;
  readonly shape: string;
  readonly fault: FaultKind;
  readonly what: string;
}

const placesOf = ({ attempts, shapes }: Injector): readonly Place[] =>
  attempts.flatMap((command, index) =>
    kindsOf(command).map((fault) => ({
      ...{ index, shape: shapes[index] ?? '', fault },
      what: `${fault} at ${command} (${index})`,
    })),
  );

const tried = new Set<string>();
/** Whether nothing of this name was tried before. */
function isNew(...name: readonly unknown[]): boolean {
  const text = JSON.stringify(name);
  const before = tried.size;
  return tried.add(text).size > before;
}

const secondPlaces = (run: Injector, first: Place, { uncertain }: AnswerCaseOptions): readonly Place[] =>
  placesOf(run).filter(
    ({ index, shape, fault }) =>
      index > first.index && isNew(uncertain, first.shape, first.fault, shape, fault),
  );

/** `npm run test:all` takes every word with every call; otherwise one of them is enough. */
const chosen = isFullScope
  ? answeredCalls.flatMap((call) => uncertainWords.map((uncertain) => ({ call, uncertain })))
  : [{ call: 'capture', uncertain: 'inquire' } as const];
const events = isFullScope ? socketEvents : socketEvents.slice(0, 1);

describe.each(chosen)('$uncertain: $call', ({ call, uncertain }) => {
  test.each(events)('%s, under every two faults', { timeout: eventTimeoutMs }, async (event) => {
    const options = { call, event, uncertain };
    const name = `${uncertain}: ${call}, ${event}`;
    const run = async (...places: readonly Place[]) => {
      const injector = new Injector(
        faultsAt(Object.fromEntries(places.map(({ index, fault }) => [index, fault]))),
      );
      const violation = await lab.firstViolation(options, injector);
      return { what: places.map(({ what }) => what).join(', '), violation, injector };
    };
    const runAll = async (cases: readonly (readonly Place[])[], what: string) => {
      const tell = progress(`${name}, ${what}`, cases.length);
      const runs = await pMap(
        cases,
        async (places) => {
          const done = await run(...places);
          tell();
          return done;
        },
        { concurrency: casesAtOnce },
      );
      const wrong = runs.filter(({ violation }) => violation !== undefined);
      return { runs, wrong: wrong.map(({ what: faults, violation }) => `${faults}: ${violation ?? ''}`) };
    };

    const clean = await run();
    expect(clean.violation).toBeUndefined();
    const firsts = placesOf(clean.injector);
    const alone = await runAll(
      firsts.map((first) => [first]),
      'first faults',
    );
    expect(alone.wrong).toEqual([]);
    // `npm test` takes no more calls than are made without faults.
    const callsMax = isFullScope ? Infinity : clean.injector.attempts.length;
    const pairs = firsts.flatMap((first, nth) => {
      const { injector = clean.injector } = alone.runs[nth] ?? {};
      const seconds = secondPlaces(injector, first, options).filter(({ index }) => index < callsMax);
      return seconds.map((second) => [first, second]);
    });
    const { runs, wrong } = await runAll(pairs, 'pairs');
    const injected = runs.map(({ injector }) => injector.injected.length);
    count({
      subject: `answer to ${call}`,
      what: 'pair of faults',
      cases: injected.filter((faults) => faults === 2).length,
      faults: injected.reduce((sum, faults) => sum + faults, 0),
      violations: wrong.length,
    });
    expect(wrong).toEqual([]);
  });
});
