/** What a person sees of the guided run: one line an event, with the time since it began. */
const begun = performance.now();

const seconds = (): string => `${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s`;

/** A story's title. */
export function heading(text: string): void {
  process.stdout.write(`\n${seconds()}  ${text}\n`);
}

/** One thing that happened. */
export function line(text: string): void {
  process.stdout.write(`${seconds()}    ${text}\n`);
}

/** @throws naming what was expected: the guided run ends there, and its exit code says so. */
export function expectThat(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`the demo expected: ${what}`);
}
