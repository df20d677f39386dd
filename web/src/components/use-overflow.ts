/** Whether there is more to the side than one sees: then the keyboard must get there too. */
import { useEffect, useState, type RefObject } from 'react';

export function useOverflow(box: RefObject<HTMLElement | null>): boolean {
  const [isWide, setWide] = useState(false);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const watcher = new ResizeObserver(() => setWide(current.scrollWidth > current.clientWidth));
    watcher.observe(current);
    for (const child of current.children) watcher.observe(child);
    return () => watcher.disconnect();
  }, [box]);
  return isWide;
}
