/** Where the viewer is: the screen and its filters, in the URL's fragment. A token never stands there. */
import { useLayoutEffect, useMemo, useState } from 'preact/hooks';

export interface Place {
  /** For example `['entities', 'payments', 'pay_01…']`; empty for the first screen. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export type Query = Readonly<Record<string, string | undefined>>;

/** `#/letters?topic=llm`; what is undefined or empty is left out. */
export function placeUrl(path: readonly string[], query: Query = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

function placeOf(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const segments = path.split('/').filter((segment) => segment !== '');
  return {
    path: segments.map(decoded),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function go(path: readonly string[], query?: Query): void {
  location.hash = placeUrl(path, query);
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  // With what it shows, not after it: who went on in between would stay where they were.
  useLayoutEffect(() => {
    const read = (): void => {
      setHash(location.hash);
    };
    addEventListener('hashchange', read);
    return () => {
      removeEventListener('hashchange', read);
    };
  }, []);
  return useMemo(() => placeOf(hash), [hash]);
}

/** `msg_pay_01…_2_0` -> `pay_01…` */
export const entityOfMessage = (id: string): string => id.replace(/^msg_/, '').replace(/_\d+_\d+$/, '');
