/** How busy the event loops of an app were over the last ten seconds, by one sample a second. */
const SAMPLES = 10;

export class LoopWindow {
  readonly #samples: number[] = [];
  #sum = 0;

  add(utilization: number): void {
    this.#samples.push(utilization);
    this.#sum += utilization;
    if (this.#samples.length > SAMPLES) this.#sum -= this.#samples.shift() ?? 0;
  }

  /** Nothing is known of before: after there was no worker at all. */
  clear(): void {
    this.#samples.length = 0;
    this.#sum = 0;
  }

  get mean(): number | undefined {
    return this.#samples.length < SAMPLES ? undefined : this.#sum / SAMPLES;
  }
}
