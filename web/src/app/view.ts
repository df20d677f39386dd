/**
 * A view: an address, and the component that shows it. The address holds the whole view, so what a
 * person chose stands in its search, as texts, each with the value that it has when left out.
 */
import type { ComponentType } from 'react';
import type { SignedIn } from '#web/api/session.ts';
import type { IconName } from '#web/components/icon-shapes.ts';
import type { PaletteEntry } from './palette-entry.ts';

export type SearchTexts = Readonly<Record<string, string>>;

export interface View<Search extends SearchTexts = SearchTexts> {
  /** `/machines/$id`. Not the path of an API: test/browser/page.test.ts opens each. */
  readonly path: string;
  readonly title: string;
  /** Views with an icon stand in the navigation, in the order of views.ts. */
  readonly icon?: IconName;
  /** Every parameter of the address with its default: `{ q: '', sort: 'name', range: '1h' }`. */
  readonly search: Search;
  /** `async () => (await import('./MachinesPage.tsx')).MachinesPage`. */
  readonly load: () => Promise<ComponentType>;
  /**
   * What the command palette offers besides the view itself, to who is signed in and of what they
   * may do; asked when it is opened.
   */
  readonly palette?: (session: SignedIn) => Promise<readonly PaletteEntry[]>;
  /** The APIs behind it answer operators alone: nobody else is offered it, or asks them. */
  readonly isForOperators?: true;
}

export function defineView<const Search extends SearchTexts>(
  view: Omit<View, 'search'> & { readonly search: Search },
): View<Widened<Search>> {
  return view;
}

/** Of `{ sort: 'name' }`, `sort` is any text. */
type Widened<Search> = { readonly [Name in keyof Search]: string };

/** Where a link leads. */
export interface ViewTarget<Search extends SearchTexts = SearchTexts> {
  readonly view: View<Search>;
  /** Of `$id` in the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly search?: Partial<Search>;
}

/** Every parameter that the view knows, and no other. */
export function fillSearch(view: View, raw: Readonly<Record<string, unknown>>): SearchTexts {
  return Object.fromEntries(
    Object.entries(view.search).map(([name, fallback]) => {
      const value = raw[name];
      return [name, typeof value === 'string' ? value : fallback];
    }),
  );
}

/** What differs from the defaults: the rest is left out of the address. */
export function sparseSearch(view: View, search: Partial<SearchTexts>): SearchTexts {
  const entries = Object.entries(search).flatMap(([name, value]) =>
    value === undefined || value === view.search[name] ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
