/** Which rows of a long table are near what one sees: only those are in the document. */
import { useEffect, useState, type RefObject } from 'react';

/** Fewer than this are all there: then the browser finds text in them, and prints them. */
const FEW_ROWS = 150;
/** At least so many above and below. */
const BESIDE_ROWS = 15;
/** They come and go by the tens: a table is laid out anew each time. */
const TOGETHER_ROWS = 10;

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
  const from = (Math.min(above, count - inSight) - BESIDE_ROWS) / TOGETHER_ROWS;
  const to = (above + inSight + BESIDE_ROWS) / TOGETHER_ROWS;
  return {
    first: Math.max(0, Math.floor(from) * TOGETHER_ROWS),
    end: Math.min(count, Math.ceil(to) * TOGETHER_ROWS),
  };
}

export function useRowWindow(
  body: RefObject<HTMLElement | null>,
  count: number,
  rowPx: number,
): RowWindow {
  const [shown, setShown] = useState(() => rowsInSight(count, rowPx, { topPx: 0, heightPx: 1000 }));
  const isWindow = count > FEW_ROWS;
  useEffect(() => {
    // Where a table is is found out by laying out the page: not for nothing.
    if (!isWindow) return undefined;
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
  }, [body, count, rowPx, isWindow]);
  if (!isWindow) return { first: 0, end: count };
  // Until the effect looked again the count may be another one.
  return { first: Math.min(shown.first, count), end: Math.min(shown.end, count) };
}
