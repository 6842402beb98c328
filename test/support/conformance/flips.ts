/**
 * Where an answer changes along whole numbers: pairs of neighbours with different answers, found by halving
 * between points whose answers differ.
 */
export function flips(
  points: readonly number[],
  answer: (value: number) => string,
): readonly (readonly [number, number])[] {
  const sorted = [...new Set(points)].sort((a, b) => a - b);
  const found: (readonly [number, number])[] = [];
  const search = (low: number, high: number, below: string, above: string): void => {
    if (below === above) return;
    if (high - low === 1) {
      found.push([low, high]);
      return;
    }
    const middle = low + Math.floor((high - low) / 2);
    const between = answer(middle);
    search(low, middle, below, between);
    search(middle, high, between, above);
  };
  for (const [index, low] of sorted.entries()) {
    const high = sorted[index + 1];
    if (high !== undefined) search(low, high, answer(low), answer(high));
  }
  return found;
}
