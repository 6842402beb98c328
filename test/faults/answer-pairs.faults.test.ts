/**
 * G18 and G19 under pairs of faults: at every two calls to AWS that a worker makes until an answer has moved its entity,
 * over as many processes as die. Two calls of the same two shapes meet each pair of faults once.
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
import type { AnsweredCall, AnswerLab, UncertainWord } from '../support/faults/answer-lab.ts';
import { isRead } from '../support/faults/call-shape.ts';
import { count } from '../support/faults/counts.ts';
import { faultsAt, Injector } from '../support/faults/fault-client.ts';
import type { FaultKind } from '../support/faults/fault-client.ts';
import { socketEvents } from '../support/faults/provider.ts';
import { isFullScope } from '../support/faults/scope.ts';

let lab: AnswerLab;
beforeAll(async () => {
  lab = await startAnswerLab();
});
afterAll(() => lab.stop());

/**
 * What a worker tells apart: whether the service did it, and whether the process goes on. How the error is called makes
 * no difference to it, as single faults show; and a read that was made is as one that was not.
 */
const kindsOf = (command: string): readonly FaultKind[] =>
  isRead(command)
    ? ['request lost', 'death before']
    : ['request lost', 'answer lost', 'death before', 'death after'];

interface Pair {
  readonly what: string;
  readonly faults: Readonly<Record<number, FaultKind>>;
}

/** By shapes and faults. */
const tried = new Set<string>();

function pairsOf({ attempts, shapes }: Injector, word: UncertainWord): readonly Pair[] {
  const places = attempts.map((command, index) => ({ command, index, shape: shapes[index] ?? '' }));
  const pairs = places.flatMap((first) =>
    places.slice(first.index + 1).flatMap((second) =>
      kindsOf(first.command).flatMap((one) =>
        kindsOf(second.command).map((other) => ({
          name: [word, first.shape, one, second.shape, other].join(' '),
          what: `${one} at ${first.command} (${first.index}), ${other} at ${second.command} (${second.index})`,
          faults: { [first.index]: one, [second.index]: other },
        })),
      ),
    ),
  );
  return pairs.filter(({ name }) => {
    const isNew = !tried.has(name);
    tried.add(name);
    return isNew;
  });
}

/** `npm run test:all` takes every call as its domain has it, and a capture as it might be; otherwise one is enough. */
const chosen: readonly (readonly [UncertainWord, AnsweredCall])[] = isFullScope
  ? [
      ...uncertainWords.map((word) => [word, 'capture'] as const),
      ...answeredCalls.slice(1).map((call) => ['inquire', call] as const),
    ]
  : [['inquire', 'capture']];
const events = isFullScope ? socketEvents : socketEvents.slice(0, 1);

describe.each(chosen)('%s: %s', (uncertain, call) => {
  test.each(events)('%s, under every two faults', { timeout: eventTimeoutMs }, async (event) => {
    const run = (injector: Injector) => lab.firstViolation({ call, event, uncertain }, injector);
    const clean = new Injector();
    expect(await run(clean)).toBeUndefined();
    const results = await pMap(
      pairsOf(clean, uncertain),
      async ({ what, faults }) => {
        const injector = new Injector(faultsAt(faults));
        return { what, violation: await run(injector), injected: injector.injected.length };
      },
      { concurrency: casesAtOnce },
    );
    const wrong = results.filter(({ violation }) => violation !== undefined);
    count({
      subject: `answer to ${call}`,
      what: 'pair of faults',
      cases: results.filter(({ injected }) => injected > 0).length,
      faults: results.reduce((sum, { injected }) => sum + injected, 0),
      violations: wrong.length,
    });
    expect(wrong).toEqual([]);
  });
});
