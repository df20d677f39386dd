/**
 * Notices that come and go: what was done, and what failed in passing. While one is looked at, by
 * pointer or keyboard, none goes: whoever reads slowly still reaches what takes it back.
 */
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
/** What failed is read more slowly, and what can be taken back needs a way there. */
const LONG_SHOWN_MS = 15_000;

export const toasts = new Store<readonly Toast[]>([]);
const timers = new Map<number, ReturnType<typeof setTimeout>>();
let isHeld = false;
let lastId = 0;

/** For what is no component. */
export function addToast(toast: NewToast): void {
  lastId += 1;
  const added: Toast = { ...toast, id: lastId };
  for (const { id } of toasts.value.slice(0, 1 - MOST)) dismissToast(id);
  toasts.set([...toasts.value, added]);
  if (!isHeld) startTimer(added);
}

export function dismissToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.set(toasts.value.filter((toast) => toast.id !== id));
}

/** All of them stay until they are released. */
export function holdToasts(): void {
  isHeld = true;
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
}

/** Each has its time again, from the beginning. */
export function releaseToasts(): void {
  if (!isHeld) return;
  isHeld = false;
  for (const toast of toasts.value) startTimer(toast);
}

function startTimer({ id, kind, undo }: Toast): void {
  const forMs = kind === 'error' || undo !== undefined ? LONG_SHOWN_MS : SHOWN_MS;
  timers.set(
    id,
    setTimeout(() => dismissToast(id), forMs),
  );
}

export function useToast(): (toast: NewToast) => void {
  return addToast;
}
