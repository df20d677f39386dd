/** Which rows of a long table are near what one sees: only those are in the document. */
import { useEffect, useState, type RefObject } from 'react';

/** Fewer than this are all there: then the browser finds text in them, and prints them. */
const FEW_ROWS = 150;
const BESIDE_ROWS = 20;

export interface RowWindow {
  readonly first: number;
  /** Not part of it. */
  readonly end: number;
}

/** By where the table's body begins, seen from the top of the window. */
export function rowsInSight(
  count: number,
  rowPx: number,
  { topPx, heightPx }: { readonly topPx: number; readonly heightPx: number },
): RowWindow {
  if (count <= FEW_ROWS) return { first: 0, end: count };
  const above = Math.floor(Math.max(0, -topPx) / rowPx);
  const inSight = Math.ceil(heightPx / rowPx);
  const first = Math.max(0, Math.min(above, count - inSight) - BESIDE_ROWS);
  return { first, end: Math.min(count, above + inSight + BESIDE_ROWS) };
}

export function useRowWindow(
  body: RefObject<HTMLElement | null>,
  count: number,
  rowPx: number,
): RowWindow {
  const [shown, setShown] = useState(() => rowsInSight(count, rowPx, { topPx: 0, heightPx: 1000 }));
  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const topPx = body.current?.getBoundingClientRect().top ?? 0;
      const next = rowsInSight(count, rowPx, { topPx, heightPx: window.innerHeight });
      setShown((old) => (old.first === next.first && old.end === next.end ? old : next));
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    look();
    addEventListener('scroll', soon, { passive: true, capture: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon, { capture: true });
      removeEventListener('resize', soon);
    };
  }, [body, count, rowPx]);
  // Until the effect looked again the count may be another one.
  return { first: Math.min(shown.first, count), end: Math.min(shown.end, count) };
}
