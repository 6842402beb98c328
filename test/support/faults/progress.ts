/** What a test of minutes says while it runs. */
import { isFullScope } from './scope.ts';

const every = 100;

/**
 * Tells how far a row of cases has come, where `npm run test:all` takes all of them.
 * @param what the row, for people
 * @returns to be called after each case
 */
export function progress(what: string, cases: number): () => void {
  let through = 0;
  const tell = (): void => {
    if (isFullScope) process.stdout.write(`${what}: ${through} of ${cases} cases\n`);
  };
  tell();
  return () => {
    through += 1;
    if (through % every === 0) tell();
  };
}
