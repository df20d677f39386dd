/** Whether the command palette is open, for whoever opens it. */
import { Store } from '#web/api/store.ts';

export const paletteIsOpen = new Store(false);
