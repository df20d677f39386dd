/** The heap of pages over time: what is left each time after everything unused was collected. */
import type { Browser, CDPSession } from 'playwright-core';
import { systemClock } from '#kernel/clock.ts';
import { openAndStay, type Opening } from './page-opening.ts';

export interface HeapSample {
  readonly atMs: number;
  readonly bytes: number;
}

export type HeapTrail = readonly HeapSample[];

export interface HeapPlan {
  readonly forMs: number;
  readonly everyMs: number;
  readonly progress: (line: string) => void;
}

/** Of pages that are open side by side, in their order. */
export async function watchHeaps(
  { browser, url }: { readonly browser: Browser; readonly url: string },
  openings: readonly Opening[],
  { forMs, everyMs, progress }: HeapPlan,
): Promise<readonly HeapTrail[]> {
  await using stack = new AsyncDisposableStack();
  const sessions: CDPSession[] = [];
  for (const opening of openings) {
    const { page } = stack.use(await openAndStay(browser, url, opening));
    sessions.push(await page.context().newCDPSession(page));
  }
  const trails = sessions.map((): HeapSample[] => []);
  const startedMs = performance.now();
  for (let atMs = 0; atMs <= forMs; atMs += everyMs) {
    await systemClock.sleep(Math.max(0, startedMs + atMs - performance.now()));
    for (const [at, session] of sessions.entries()) {
      trails[at]?.push({ atMs, bytes: await readHeapBytes(session) });
    }
    progress(
      `heap: ${trails.map((trail) => ((trail.at(-1)?.bytes ?? 0) / 1e6).toFixed(3)).join(', ')} MB`,
    );
  }
  return trails;
}

/** Twice: what the first collection finalizes, the second one frees. */
async function readHeapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
