/** The time, for ages that are shown. One timer for each interval, however many look at it. */
import { useSyncExternalStore } from 'react';

interface Ticker {
  readonly subscribe: (listener: () => void) => () => void;
  readonly read: () => number;
}

const tickers = new Map<number, Ticker>();

function tickerOf(everyMs: number): Ticker {
  const known = tickers.get(everyMs);
  if (known !== undefined) return known;
  const listeners = new Set<() => void>();
  let nowMs = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = () => {
    nowMs = Date.now();
    for (const listener of listeners) listener();
  };
  const ticker: Ticker = {
    subscribe: (listener) => {
      listeners.add(listener);
      timer ??= setInterval(tick, everyMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    read: () => {
      // Nobody ticked while nobody looked.
      if (timer === undefined && Date.now() - nowMs > everyMs) nowMs = Date.now();
      return nowMs;
    },
  };
  tickers.set(everyMs, ticker);
  return ticker;
}

export function useNow(everyMs = 1000): number {
  const { subscribe, read } = tickerOf(everyMs);
  return useSyncExternalStore(subscribe, read);
}

/** What is said of the time. Who looks is drawn again when that is something else, not before. */
export function useSaid(say: (nowMs: number) => string, everyMs = 1000): string {
  const { subscribe, read } = tickerOf(everyMs);
  return useSyncExternalStore(subscribe, () => say(read()));
}
