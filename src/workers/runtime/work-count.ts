/** What a member has in flight, waiting work after answers included, and who wants to know. */
export class WorkCount {
  readonly #onFirst: () => void;
  #count = 0;
  #settled: PromiseWithResolvers<void> | undefined;

  /** `onFirst` is called whenever work begins where there was none. */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count += 1;
    if (this.#count === 1) this.#onFirst();
  }

  remove(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  /** Resolves when nothing is in flight. */
  async settled(): Promise<void> {
    if (this.#count === 0) return;
    this.#settled ??= Promise.withResolvers<void>();
    await this.#settled.promise;
  }
}
