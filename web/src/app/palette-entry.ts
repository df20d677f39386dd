/** Something that the command palette offers: somewhere to go, or something to do. */
import type { IconName } from '#web/components/icon-shapes.ts';
import type { ViewTarget } from './view.ts';

interface PaletteEntryFacts {
  /** Unlike that of any other entry: `machine:vm-12`. */
  readonly id: string;
  readonly title: string;
  /** Beside the title, and searched too: a state, a host. */
  readonly hint?: string;
  /** Searched, and not shown. */
  readonly keywords?: readonly string[];
  readonly icon?: IconName;
}

export type PaletteEntry = PaletteEntryFacts &
  (
    | { readonly target: ViewTarget; readonly run?: undefined }
    | { readonly run: () => void; readonly target?: undefined }
  );
