/**
 * A dialog that lies over the view for as long as it is rendered. The browser keeps the keyboard
 * inside; when the dialog goes, what had the keyboard before has it again. A browser does that by
 * itself only for a dialog that is closed, and not for one that is taken out of the document.
 */
import { useEffect, type RefObject } from 'react';
import { Store } from '#web/api/store.ts';

/** The last of them lies over the others: nothing outside it can be reached. */
export const openModals = new Store<readonly HTMLDialogElement[]>([]);

export function useModal(dialog: RefObject<HTMLDialogElement | null>, firstField?: string): void {
  useEffect(() => {
    const before = document.activeElement;
    const { current } = dialog;
    if (current === null) return undefined;
    current.showModal();
    openModals.set([...openModals.value, current]);
    if (firstField !== undefined) current.querySelector<HTMLElement>(firstField)?.focus();
    return () => {
      openModals.set(openModals.value.filter((each) => each !== current));
      // Whoever took the keyboard in the meantime keeps it.
      if (document.activeElement !== document.body) return;
      const isThere =
        before instanceof HTMLElement && before.isConnected && before !== document.body;
      const next = isThere ? before : document.querySelector<HTMLElement>('main h1');
      next?.focus({ preventScroll: true });
    };
  }, [dialog, firstField]);
}
