/** What is wrong with a command line: shown as one line. */
export class UsageError extends Error {}

/** The sizes of stores that `--entities` names, e.g. `1000,100000`. @throws UsageError */
export function sizesOf(entities: string): readonly number[] {
  const sizes = entities.split(',').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size >= 0)) return sizes;
  throw new UsageError('--entities takes whole numbers, e.g. 1000,100000');
}
