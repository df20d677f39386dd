/** Whether something is in the window, or will be once somebody scrolls a little. */
import { useEffect, useState, type RefObject } from 'react';

/** So far away that it is drawn before it is there. */
const AHEAD = '200px 0px';

export function useSeen(box: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const watcher = new IntersectionObserver(
      (entries) => setSeen(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: AHEAD },
    );
    watcher.observe(current);
    return () => watcher.disconnect();
  }, [box]);
  return isSeen;
}
