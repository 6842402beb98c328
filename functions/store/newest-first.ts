/** Merges lists of an index that are read beside each other, each newest first and only so far down. Pure. */
export interface ReadList<Item> {
  readonly items: readonly Item[];
  /** The key down to which the list was read; '' at its end. */
  readonly readDownTo: string;
}

/**
 * The newest items of all lists, each key once: at most `limit`.
 * @param keyOf what the lists are in the order of
 * @param isLater of two items with one key the one to take; the first one by default. An item that goes from one list
 *   to another while they are read stands in both
 * @returns `next`, the key below which to go on; none at the end of all lists
 */
export function newestFirst<Item>(
  lists: readonly ReadList<Item>[],
  limit: number,
  keyOf: (item: Item) => string,
  isLater: (one: Item, other: Item) => boolean = () => false,
): { readonly items: readonly Item[]; readonly next?: string } {
  // Below the highest point that some list was not read down to, the order is not known yet.
  const frontier = lists.reduce(
    (highest, { readDownTo }) => (readDownTo > highest ? readDownTo : highest),
    '',
  );
  const known = new Map<string, Item>();
  for (const item of lists.flatMap(({ items }) => items)) {
    const other = known.get(keyOf(item));
    if (keyOf(item) >= frontier && (other === undefined || isLater(item, other)))
      known.set(keyOf(item), item);
  }
  const sorted = [...known].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, limit);
  const next = known.size > limit ? (sorted.at(-1)?.[0] ?? '') : frontier;
  return { items: sorted.map(([, item]) => item), ...(next !== '' && { next }) };
}
