/**
 * A function that stays the same one and does what the latest would: for components that are drawn
 * again only when what they are given is something else. For events, and not while drawing.
 */
import { useCallback, useEffect, useRef } from 'react';

export function useSteady<Args extends readonly unknown[]>(
  call: (...args: Args) => void,
): (...args: Args) => void {
  const latest = useRef(call);
  useEffect(() => {
    latest.current = call;
  });
  return useCallback((...args: Args) => latest.current(...args), []);
}
