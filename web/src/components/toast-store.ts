/** Notices that come and go: what was done, and what failed in passing. */
import { Store } from '#web/api/store.ts';

export interface NewToast {
  readonly kind: 'ok' | 'error' | 'info';
  readonly text: string;
  /** Takes it back, while the notice is there. */
  readonly undo?: { readonly title: string; readonly run: () => void };
}

export interface Toast extends NewToast {
  readonly id: number;
}

const MOST = 4;
const SHOWN_MS = 6000;
/** What failed is read more slowly. */
const ERROR_SHOWN_MS = 15_000;

export const toasts = new Store<readonly Toast[]>([]);
let lastId = 0;

/** For what is no component. */
export function addToast(toast: NewToast): void {
  lastId += 1;
  const added: Toast = { ...toast, id: lastId };
  toasts.set([...toasts.value.slice(1 - MOST), added]);
  setTimeout(() => dismissToast(added.id), toast.kind === 'error' ? ERROR_SHOWN_MS : SHOWN_MS);
}

export function dismissToast(id: number): void {
  toasts.set(toasts.value.filter((toast) => toast.id !== id));
}

export function useToast(): (toast: NewToast) => void {
  return addToast;
}
