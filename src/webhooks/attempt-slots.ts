/**
 * Bounds how many requests are on their way at once. No owner gets more than half of the slots
 * while others wait, and receivers that fail or are slow have slots of their own: however many
 * hang, those that answer never queue behind them.
 */
export type Lane = 'prompt' | 'slow';

const SLOTS: Record<Lane, number> = { prompt: 32, slow: 16 };

interface Waiter {
  readonly lane: Lane;
  readonly owner: string;
  readonly resolve: (slot: Disposable) => void;
}

export class AttemptSlots {
  readonly #slots: Record<Lane, number>;
  readonly #taken: Record<Lane, Map<string, number>> = { prompt: new Map(), slow: new Map() };
  readonly #waiting = new Set<Waiter>();

  constructor(slots = SLOTS) {
    this.#slots = slots;
  }

  /** Resolves when it is its turn; dispose the slot to pass it on. */
  async acquire(lane: Lane, owner: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#hasRoom(lane, owner)) return this.#take(lane, owner);
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const waiter = { lane, owner, resolve };
    this.#waiting.add(waiter);
    const onAbort = () => {
      if (this.#waiting.delete(waiter)) reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #hasRoom(lane: Lane, owner: string): boolean {
    const taken = this.#taken[lane];
    const ofAll = [...taken.values()].reduce((sum, count) => sum + count, 0);
    const share = Math.max(1, Math.floor(this.#slots[lane] / 2));
    return ofAll < this.#slots[lane] && (taken.get(owner) ?? 0) < share;
  }

  #take(lane: Lane, owner: string): Disposable {
    const taken = this.#taken[lane];
    taken.set(owner, (taken.get(owner) ?? 0) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (taken.get(owner) ?? 1) - 1;
        if (left === 0) taken.delete(owner);
        else taken.set(owner, left);
        this.#passOn(lane);
      },
    };
  }

  /** To whoever waits longest among those whose owner has a share left. */
  #passOn(lane: Lane): void {
    for (const waiter of this.#waiting) {
      if (waiter.lane !== lane || !this.#hasRoom(lane, waiter.owner)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(this.#take(lane, waiter.owner));
      return;
    }
  }
}
