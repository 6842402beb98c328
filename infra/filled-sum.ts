/** The sum of metrics, by their names in a CloudWatch expression; one that was not written counts 0. */
export const filledSum = (named: object): string =>
  Object.keys(named)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
