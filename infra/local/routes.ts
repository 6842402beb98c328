/** A route of an HTTP API as the template gives it, for example `ANY /v1/{proxy+}` or `$default`. */
export interface RouteMatch<T> {
  readonly route: T;
  /** Values of the route's variables, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

interface Compiled<T> {
  readonly route: T;
  readonly method: string;
  readonly segments: readonly string[];
  readonly greedy: boolean;
}

/**
 * Chooses among routes as API Gateway does: a route that matches in full before a greedy one (`{name+}`), fixed
 * segments before variables, a named method before `ANY`, and `$default` when nothing else matches.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export class RouteTable<T extends { readonly key: string }> {
  readonly #routes: readonly Compiled<T>[];
  readonly #fallback: T | undefined;

  constructor(routes: readonly T[]) {
    this.#routes = routes
      .filter((route) => route.key !== '$default')
      .map((route) => {
        const [method = 'ANY', path = '/'] = route.key.split(' ');
        const segments = path.split('/').slice(1);
        return { route, method, segments, greedy: segments.at(-1)?.endsWith('+}') === true };
      })
      .sort(byPrecedence);
    this.#fallback = routes.find((route) => route.key === '$default');
  }

  /** @param path decoded, beginning with a slash */
  match(method: string, path: string): RouteMatch<T> | undefined {
    const segments = path.split('/').slice(1);
    for (const candidate of this.#routes) {
      if (candidate.method !== 'ANY' && candidate.method !== method) continue;
      const parameters = matchSegments(candidate, segments);
      if (parameters !== undefined) return { route: candidate.route, parameters };
    }
    return this.#fallback === undefined ? undefined : { route: this.#fallback, parameters: {} };
  }
}

function byPrecedence(a: Compiled<unknown>, b: Compiled<unknown>): number {
  if (a.greedy !== b.greedy) return a.greedy ? 1 : -1;
  const length = Math.max(a.segments.length, b.segments.length);
  for (let at = 0; at < length; at += 1) {
    const difference = rank(a.segments[at]) - rank(b.segments[at]);
    if (difference !== 0) return difference;
  }
  return Number(a.method === 'ANY') - Number(b.method === 'ANY');
}

/** Lower comes first. A missing segment comes last, so that of two greedy routes the longer one wins. */
function rank(segment: string | undefined): number {
  if (segment === undefined) return 3;
  if (segment.endsWith('+}')) return 2;
  return segment.startsWith('{') ? 1 : 0;
}

function matchSegments(
  candidate: Compiled<unknown>,
  actual: readonly string[],
): Record<string, string> | undefined {
  const { segments, greedy } = candidate;
  if (greedy ? actual.length < segments.length : actual.length !== segments.length) return undefined;
  const parameters: [string, string][] = [];
  for (const [at, segment] of segments.entries()) {
    const value = segment.endsWith('+}') ? actual.slice(at).join('/') : (actual[at] ?? '');
    if (segment.startsWith('{')) {
      // A variable stands for at least one character.
      if (value === '') return undefined;
      parameters.push([segment.slice(1, segment.endsWith('+}') ? -2 : -1), value]);
    } else if (segment !== value) {
      return undefined;
    }
  }
  return Object.fromEntries(parameters);
}
