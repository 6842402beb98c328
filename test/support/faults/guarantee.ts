/** A guarantee as a test: a scenario in which it could break, and builds in which it does. */
import { describe, expect, test } from 'vitest';
import { firstOf } from './checker.ts';
import type { Guarantee, Violation } from './checker.ts';
import { count } from './counts.ts';
import { startLab } from './lab.ts';
import type { Lab, LabOptions } from './lab.ts';
import type { Mutate } from './mutants.ts';

/**
 * @param prove brings the danger about in a build, the real one where none is given, and returns what was violated
 * @param broken builds in which the same must be noticed
 */
export function guarantee<Build>(
  name: `${Guarantee} ${string}`,
  prove: (build?: Build) => Promise<readonly Violation[]>,
  broken: Readonly<Record<string, Build>>,
): void {
  const [number = ''] = name.split(' ');
  describe(name, () => {
    test('holds', async () => {
      expect((await prove()).map((violation) => firstOf([violation]))).toEqual([]);
    });
    test.for(Object.entries(broken))('is seen to fail: %s', async ([, build]) => {
      const violations = await prove(build);
      expect(violations.map((violation) => violation.guarantee)).toContain(number);
      count({ subject: 'the guarantees', what: 'broken build', cases: 1, faults: 0, violations: 0 });
    });
  });
}

/** Proves with commands alone: a scenario in a lab, checked as a whole. A broken build may fail in any way. */
export const inLab =
  (scenario: (lab: Lab) => Promise<unknown>, options: Pick<LabOptions, 'domains'> = {}) =>
  async (mutate?: Mutate): Promise<readonly Violation[]> => {
    const lab = await startLab({ ...options, ...(mutate && { mutate }) });
    try {
      const done = scenario(lab);
      await (mutate ? done.catch(() => undefined) : done);
      return await lab.violations();
    } finally {
      await lab.stop();
    }
  };
