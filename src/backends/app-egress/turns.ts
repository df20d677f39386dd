/** Lets so many go ahead at the same time; some others wait, first come first served. */
export class Turns {
  readonly #mostAtOnce: number;
  readonly #mostWaiting: number;
  readonly #running = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(mostAtOnce: number, mostWaiting: number) {
    this.#mostAtOnce = mostAtOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** Calls `start` now or later. False, and never, when too many wait already. */
  take(start: () => void): boolean {
    if (this.#running.size < this.#mostAtOnce) {
      this.#running.add(start);
      start();
      return true;
    }
    if (this.#waiting.size >= this.#mostWaiting) return false;
    this.#waiting.add(start);
    return true;
  }

  /** The turn, or the place in the queue. Without meaning for who has neither. */
  giveBack(start: () => void): void {
    this.#waiting.delete(start);
    if (!this.#running.delete(start)) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#running.add(next);
    next();
  }
}
