/**
 * The heading of a view that was gone to has the keyboard: who hears the page rather than sees it
 * hears where they are, and Tab goes on from there. The first view leaves it where browsers begin.
 */
import { useRouterState } from '@tanstack/react-router';
import { useEffect, type RefObject } from 'react';

let lastPath: string | undefined;

/** Resolved: while another view is loaded, the one that is shown is still the old one. */
export function useArrival(heading: RefObject<HTMLElement | null>): void {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  useEffect(() => {
    if (path === undefined || path === lastPath) return;
    const isFirst = lastPath === undefined;
    lastPath = path;
    if (isFirst || document.querySelector('dialog[open]') !== null) return;
    heading.current?.focus({ preventScroll: true });
  }, [path, heading]);
}
