/**
 * A setup file: the thread has still the mutant of the run before. One that is no constant of its module becomes active
 * with the tests (Stryker's own setup file), and until then there is none.
 */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of Stryker: `static` for a mutant that is evaluated when its module is. */
    mutantActivation: 'static' | 'runtime' | undefined;
    globalNamespace: string;
  }
}

const stryker = (globalThis as unknown as Record<string, { activeMutant?: string | undefined } | undefined>)[
  inject('globalNamespace')
];
if (stryker !== undefined && inject('mutantActivation') !== 'static') stryker.activeMutant = undefined;
