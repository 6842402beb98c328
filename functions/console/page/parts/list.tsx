/** A page of a list: what is on it, and the way to the next. Nothing is ever loaded whole. */
import type { ComponentChildren } from 'preact';
import type { Page } from '../api.ts';
import type { Loaded } from '../loaded.ts';
import { placeUrl, usePlace } from '../place.ts';
import { useTexts } from '../texts/index.ts';
import { Failure, Old } from './notices.tsx';

interface ListProps<T> {
  readonly loaded: Loaded<Page<T>>;
  readonly children: (items: readonly T[]) => ComponentChildren;
}

/** The place in the list stands in the URL as `cursor`. */
export function List<T>({ loaded, children }: ListProps<T>) {
  const { list } = useTexts();
  const { path, query } = usePlace();
  const { answer, failure, isLoading, reload } = loaded;
  if (answer === undefined) return <p class="quiet">{list.loading}</p>;
  if (answer.kind !== 'ok') return <Failure answer={answer} />;
  const { items, nextCursor } = answer.value;
  return (
    <div class="stack" aria-busy={isLoading}>
      <Old failure={failure} />
      {items.length > 0 ? children(items) : <p>{nextCursor === undefined ? list.empty : list.emptyPage}</p>}
      <div class="row">
        {query['cursor'] !== undefined && (
          <a class="button" href={placeUrl(path, { ...query, cursor: undefined })}>
            {list.first}
          </a>
        )}
        {nextCursor !== undefined && (
          <a class="button" href={placeUrl(path, { ...query, cursor: nextCursor })}>
            {list.next}
          </a>
        )}
        <button type="button" onClick={reload}>
          {list.reload}
        </button>
      </div>
    </div>
  );
}
