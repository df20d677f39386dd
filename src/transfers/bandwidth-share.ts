/**
 * Divides bandwidth among the copies that run. Each has a number in memory that its thread reads as
 * it goes, so a limit that changes is obeyed at once and costs nobody a message.
 */

export interface Share extends Disposable {
  /** One Float64: bytes a second, 0 without a limit. */
  readonly pace: SharedArrayBuffer;
}

interface Copy {
  readonly job: string;
  readonly rate: Float64Array;
}

export class BandwidthShare {
  readonly #copies = new Set<Copy>();
  readonly #jobLimits = new Map<string, number>();
  #limit: number | undefined;

  /** `limit` is for all copies together, in bytes a second. */
  constructor(limit: number | undefined) {
    this.#limit = limit;
  }

  setLimit(limit: number | undefined): void {
    this.#limit = limit;
    this.#divide();
  }

  setJobLimit(job: string, limit: number | undefined): void {
    if (limit === undefined) this.#jobLimits.delete(job);
    else this.#jobLimits.set(job, limit);
    this.#divide();
  }

  join(job: string): Share {
    const pace = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
    const copy = { job, rate: new Float64Array(pace) };
    this.#copies.add(copy);
    this.#divide();
    return {
      pace,
      [Symbol.dispose]: () => {
        this.#copies.delete(copy);
        const isLast = ![...this.#copies].some((other) => other.job === job);
        if (isLast) this.#jobLimits.delete(job);
        this.#divide();
      },
    };
  }

  #divide(): void {
    const perJob = Map.groupBy(this.#copies, ({ job }) => job);
    const ofAll = (this.#limit ?? Infinity) / Math.max(1, this.#copies.size);
    for (const [job, copies] of perJob) {
      const ofJob = (this.#jobLimits.get(job) ?? Infinity) / copies.length;
      const rate = Math.min(ofAll, ofJob);
      for (const copy of copies) copy.rate[0] = rate === Infinity ? 0 : Math.max(1, rate);
    }
  }
}
