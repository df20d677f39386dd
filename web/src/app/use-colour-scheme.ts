/** Dark or light, as it is shown: for what is not drawn by styles. */
import { useSyncExternalStore } from 'react';
import { useStore } from '#web/api/store.ts';
import { theme } from './theme.ts';

const system = matchMedia('(prefers-color-scheme: dark)');

function subscribe(listener: () => void): () => void {
  system.addEventListener('change', listener);
  return () => system.removeEventListener('change', listener);
}

export function useColourScheme(): 'dark' | 'light' {
  const chosen = useStore(theme);
  const isDark = useSyncExternalStore(subscribe, () => system.matches);
  if (chosen !== 'system') return chosen;
  return isDark ? 'dark' : 'light';
}
