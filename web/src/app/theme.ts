/** Dark or light: as the system has it, until somebody says otherwise. */
import { Store } from '#web/api/store.ts';

export const THEMES = ['system', 'light', 'dark'] as const;

export type Theme = (typeof THEMES)[number];

const KEY = 'drover.theme';

export const theme = new Store<Theme>('system');

/** Before the first thing is drawn. */
export function startTheme(): void {
  apply(readKept());
}

export function setTheme(chosen: Theme): void {
  apply(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // It may be kept from storing anything; then it is so until the page is left.
  }
}

export function nextTheme(): void {
  const at = THEMES.indexOf(theme.value);
  setTheme(THEMES[(at + 1) % THEMES.length] ?? 'system');
}

function apply(chosen: Theme): void {
  const { dataset } = document.documentElement;
  if (chosen === 'system') delete dataset['theme'];
  else dataset['theme'] = chosen;
  theme.set(chosen);
}

function readKept(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((each) => each === kept) ?? 'system';
  } catch {
    return 'system';
  }
}
