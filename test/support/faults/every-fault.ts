/** One command case under every fault at every call it makes, and under pairs of faults. */
import pMap from 'p-map';
import { expect } from 'vitest';
import { firstOf } from './checker.ts';
import type { CommandCase } from './commands.ts';
import { count } from './counts.ts';
import type { Count } from './counts.ts';
import { faultsAt, faultsOf, retriesOf } from './fault-client.ts';
import type { FaultKind } from './fault-client.ts';
import { startLab } from './lab.ts';
import { runCase } from './matrix.ts';
import type { Run, RunOptions } from './matrix.ts';

/** Cases at once: enough that waits of the SDK's retries overlap. */
const concurrency = 12;

/** One plan for each attempt of the run without faults, each fault, and each way of the SDK to retry. */
function singles(attempts: readonly string[]): RunOptions[] {
  return attempts.flatMap((command, index) =>
    faultsOf(command).flatMap((fault) =>
      retriesOf(fault).map((sdkRetries) => ({
        what: `${fault} at call ${index} (${command})${sdkRetries ? ', retried by the SDK' : ''}`,
        plan: faultsAt({ [index]: fault }),
        sdkRetries,
      })),
    ),
  );
}

export const everyFault = (command: CommandCase): Promise<void> => every(command, 'single fault', singles);

async function every(
  command: CommandCase,
  what: Count['what'],
  plans: (attempts: readonly string[]) => RunOptions[],
): Promise<void> {
  const { domains } = command;
  const lab = await startLab({ checksChanges: false, ...(domains && { domains }) });
  try {
    const faultless = await runCase(lab, command, { what: 'no fault' });
    const attempts = faultless.injector.attempts;
    expect(attempts.length).toBeGreaterThan(0);
    const runs = await pMap(plans(attempts), (options) => runCase(lab, command, options), { concurrency });
    // The second of two faults, or both, may be meant for calls that are not made; a single one never is.
    const missed = ({ injector }: Run): boolean => what === 'single fault' && injector.injected.length === 0;
    const differs = (run: Run): boolean => run.end !== faultless.end || missed(run);
    const violations = await lab.violations();
    count({
      subject: command.domain,
      what,
      cases: runs.filter(({ injector }) => injector.injected.length > 0).length,
      faults: runs.reduce((sum, { injector }) => sum + injector.injected.length, 0),
      violations: violations.length,
    });
    expect(runs.filter(differs).map((run) => `${run.what}: ${run.end}, not ${faultless.end}`)).toEqual([]);
    expect(firstOf(violations)).toBeUndefined();
  } finally {
    await lab.stop();
  }
}

/** Every two faults of a kind's list, at every two attempts; the second may meet the repetition of the first. */
export const everyPair =
  (kinds: readonly FaultKind[]) =>
  (command: CommandCase): Promise<void> =>
    every(command, 'pair of faults', (attempts) => {
      const places = Array.from({ length: attempts.length + 2 }, (_, index) => index);
      const pairs = places.flatMap((first) =>
        places.slice(first + 1).map((second) => [first, second] as const),
      );
      return pairs.flatMap(([first, second]) =>
        kinds.flatMap((one) =>
          kinds.map((other) => ({
            what: `${one} at call ${first}, ${other} at call ${second}`,
            plan: faultsAt({ [first]: one, [second]: other }),
            sdkRetries: false,
          })),
        ),
      );
    });
