/** One reader of a log that goes on. Who reads too slowly is told how many lines were skipped. */
import type { AppLogLine } from './app-log.ts';

const MOST_WAITING = 1000;

interface Waiting {
  readonly entry: AppLogLine;
  readonly number: number;
}

export interface Past {
  readonly past: readonly AppLogLine[];
  /** The lines up to this number are in `past`, or too old for it. */
  readonly upTo: number;
}

export class LogFollower {
  readonly #waiting: Waiting[] = [];
  readonly #onEnd: () => void;
  readonly #signal: AbortSignal;
  #skipped = 0;
  #isEnded = false;
  #wake = Promise.withResolvers<void>();

  constructor(signal: AbortSignal, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#signal = signal;
    signal.addEventListener('abort', this.end, { once: true });
    if (signal.aborted) this.end();
  }

  push(entry: AppLogLine, number: number): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#skipped += 1;
      return;
    }
    if (this.#skipped > 0) {
      const line = `${this.#skipped} lines were skipped: they came faster than they were read`;
      this.#waiting.push({ entry: { ...entry, stream: 'drover', line }, number });
      this.#skipped = 0;
    }
    this.#waiting.push({ entry, number });
    this.#wake.resolve();
  }

  readonly end = (): void => {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#signal.removeEventListener('abort', this.end);
    this.#onEnd();
    this.#wake.resolve();
  };

  async *lines(catchUp: (() => Promise<Past>) | undefined): AsyncIterableIterator<AppLogLine> {
    try {
      const { past, upTo } = (await catchUp?.()) ?? { past: [], upTo: 0 };
      for (const entry of past) {
        if (this.#signal.aborted) return;
        yield entry;
      }
      for (;;) {
        for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
          if (this.#signal.aborted) return;
          if (next.number > upTo) yield next.entry;
        }
        if (this.#isEnded) return;
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      }
    } finally {
      this.end();
    }
  }
}
