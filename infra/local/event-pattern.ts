/**
 * Lambda's event filtering: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 * A pattern is an object of the record's shape whose leaves are lists of rules; one rule of each must hold.
 */
type Rule = string | number | boolean | null | Readonly<Record<string, unknown>>;

/** @returns whether the record fulfils every leaf of the pattern. Throws on a rule it does not know. */
export function matchesPattern(pattern: unknown, record: unknown): boolean {
  if (typeof pattern !== 'object' || pattern === null) throw new Error('a filter pattern is an object');
  return Object.entries(pattern).every(([key, expected]) => {
    if (key === '$or') return (expected as unknown[]).some((branch) => matchesPattern(branch, record));
    const actual = property(record, key);
    if (Array.isArray(expected)) return matchesRules(expected as Rule[], actual);
    // A pattern that goes deeper than the record can still ask for what is absent.
    return matchesPattern(expected, actual);
  });
}

function property(record: unknown, key: string): unknown {
  if (typeof record !== 'object' || record === null || !Object.hasOwn(record, key)) return undefined;
  return (record as Record<string, unknown>)[key];
}

function matchesRules(rules: readonly Rule[], actual: unknown): boolean {
  const values = Array.isArray(actual) ? (actual as unknown[]) : [actual];
  return rules.some((rule) => values.some((value) => matchesRule(rule, value)));
}

function matchesRule(rule: Rule, value: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return rule === value;
  const [operator, operand] = Object.entries(rule)[0] ?? [];
  switch (operator) {
    case 'exists':
      // Only leaves exist: Lambda does not match an object here.
      return (value !== undefined && (value === null || typeof value !== 'object')) === operand;
    case 'prefix':
      return typeof value === 'string' && value.startsWith(String(operand));
    case 'suffix':
      return typeof value === 'string' && value.endsWith(String(operand));
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === String(operand).toLowerCase();
    case 'anything-but':
      return value !== undefined && !(Array.isArray(operand) ? operand : [operand]).includes(value);
    case 'numeric':
      return typeof value === 'number' && compares(operand as (string | number)[], value);
    default:
      throw new Error(`the local stack does not know the filter rule ${JSON.stringify(rule)}`);
  }
}

/** @param comparison pairs of operator and number, such as `['>=', 0, '<', 10]` */
function compares(comparison: readonly (string | number)[], value: number): boolean {
  for (let at = 0; at < comparison.length; at += 2) {
    const bound = Number(comparison[at + 1]);
    const holds =
      comparison[at] === '='
        ? value === bound
        : comparison[at] === '<'
          ? value < bound
          : comparison[at] === '<='
            ? value <= bound
            : comparison[at] === '>'
              ? value > bound
              : comparison[at] === '>='
                ? value >= bound
                : undefined;
    if (holds === undefined)
      throw new Error(`the local stack does not know the comparison ${String(comparison[at])}`);
    if (!holds) return false;
  }
  return true;
}

/** Reads the patterns of a mapping's `FilterCriteria`; without any, everything passes. */
export function readFilters(criteria: unknown): (record: unknown) => boolean {
  const filters = (criteria as { Filters?: { Pattern: string }[] } | undefined)?.Filters ?? [];
  const patterns = filters.map((filter) => JSON.parse(filter.Pattern) as unknown);
  return patterns.length === 0
    ? () => true
    : (record) => patterns.some((pattern) => matchesPattern(pattern, record));
}
