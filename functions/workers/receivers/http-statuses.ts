/** What an HTTP status says of the effect: one table, with the reason for each line. */

export type StatusMeaning =
  'done' | 'accepted' | 'refused' | 'did_not_act' | 'may_have_acted' | 'undeliverable';

export interface StatusLine {
  /** Statuses, or the first digit of a class of them. The first line that fits counts. */
  readonly of: readonly number[] | 1 | 2 | 3 | 4 | 5;
  readonly means: StatusMeaning;
  readonly because: string;
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-15, and RFC 6585 for 429. */
export const statusLines: readonly StatusLine[] = [
  { of: [202], means: 'accepted', because: 'It took the request and has not carried it out yet.' },
  { of: 2, means: 'done', because: 'It says that it acted.' },
  { of: [303], means: 'may_have_acted', because: 'It acted, and the answer lies somewhere else.' },
  { of: 3, means: 'undeliverable', because: 'It is not there. The URL of the receiver has to be set right.' },
  { of: [408], means: 'may_have_acted', because: 'It waited for a request that we sent whole.' },
  {
    of: [409],
    means: 'may_have_acted',
    because: 'It met something of the same key, which may be our own earlier attempt.',
  },
  { of: [425], means: 'did_not_act', because: 'It would not act on a request that may be a replay.' },
  { of: [429], means: 'did_not_act', because: 'It turned the request away before acting on it.' },
  { of: 4, means: 'refused', because: 'It looked at the request and will never act on it.' },
  { of: [503], means: 'did_not_act', because: 'It turned the request away: it is down or overloaded.' },
  {
    of: 5,
    means: 'may_have_acted',
    because: 'It failed, or a gateway before it lost sight of it, at a point that nobody knows.',
  },
  { of: 1, means: 'may_have_acted', because: 'It answered nothing that ends a request.' },
];

const isOf = ({ of }: StatusLine, status: number): boolean =>
  typeof of === 'number' ? Math.floor(status / 100) === of : of.includes(status);

/** A status outside of all classes says nothing, so the receiver may have acted. */
export const meaningOf = (status: number): StatusMeaning =>
  statusLines.find((line) => isOf(line, status))?.means ?? 'may_have_acted';
