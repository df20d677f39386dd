/** The address of a view, read and changed. */
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { fillSearch, sparseSearch, type SearchTexts, type View, type ViewTarget } from './view.ts';

export interface SetSearchOptions {
  /** In place of the entry in the history: for what changes with each key. */
  readonly replace?: boolean;
}

export type SetSearch<Search> = (changes: Partial<Search>, options?: SetSearchOptions) => void;

/** What the address of this view says, whole, and how to change a part of it. */
export function useViewSearch<Search extends SearchTexts>(
  view: View<Search>,
): readonly [Search, SetSearch<Search>] {
  const raw: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const setSearch = useCallback<SetSearch<Search>>(
    (changes, { replace = false } = {}) => {
      void navigate({
        to: '.',
        replace,
        resetScroll: false,
        search: (old: Record<string, unknown>) =>
          sparseSearch(view, { ...fillSearch(view, old), ...changes }),
      });
    },
    [navigate, view],
  );
  return [fillSearch(view, raw) as Search, setSearch];
}

/** Of `/machines/$id`, `useViewParam('id')`. */
export function useViewParam(name: string): string {
  const params: Record<string, string | undefined> = useParams({ strict: false });
  return params[name] ?? '';
}

/** Goes somewhere after something was done. What a person clicks is a ViewLink. */
export function useGo(): <Search extends SearchTexts>(target: ViewTarget<Search>) => void {
  const navigate = useNavigate();
  return useCallback(
    ({ view, params, search = {} }) => {
      const texts = sparseSearch(view, search);
      void navigate({ to: view.path, search: texts, ...(params !== undefined && { params }) });
    },
    [navigate],
  );
}
