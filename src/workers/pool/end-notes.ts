/** What the owner of an app should know of the end of a worker; undefined for what is usual. */
import type { EndReason } from '#workers/worker-view.ts';

export function endNote(reason: EndReason, how: string): string | undefined {
  switch (reason) {
    case 'crashed':
      return `a worker ended by itself: ${how}`;
    case 'max-memory':
      return 'a worker was ended for the memory it took; max_memory says how much it may have';
    case 'timeout':
      return 'a worker was ended because a request took longer than request_timeout';
    // A start that failed has told why.
    case 'failed-start':
    case 'idle':
    case 'evicted':
    case 'max-requests':
    case 'surplus':
    case 'removed':
    case 'shutdown':
      return undefined;
  }
}
