/**
 * Sums of any stretch of a series from sums of its beginnings. Each is kept as two doubles, so that
 * taking one from another loses nothing that a plain sum would have had.
 */
export class PrefixSums {
  readonly #high: Float64Array;
  readonly #low: Float64Array;

  /** Of finite values only: an infinite one would stay in all sums after it. */
  constructor(values: Float64Array) {
    const high = new Float64Array(values.length + 1);
    const low = new Float64Array(values.length + 1);
    let sum = 0;
    let rest = 0;
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at] ?? 0;
      const next = sum + value;
      const part = next - sum;
      rest += sum - (next - part) + (value - part);
      sum = next + rest;
      rest -= sum - next;
      high[at + 1] = sum;
      low[at + 1] = rest;
    }
    this.#high = high;
    this.#low = low;
  }

  /** Of values `from` up to, not with, `to`. */
  between(from: number, to: number): number {
    const high = (this.#high[to] ?? NaN) - (this.#high[from] ?? NaN);
    const part = high - (this.#high[to] ?? NaN);
    const lost = (this.#high[to] ?? NaN) - (high - part) - ((this.#high[from] ?? NaN) + part);
    return high + (lost + ((this.#low[to] ?? NaN) - (this.#low[from] ?? NaN)));
  }
}

/** One stretch of values that may be infinite or not numbers. */
export function plainSum(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  let rest = 0;
  for (let at = from; at < to; at += 1) {
    const value = values[at] ?? NaN;
    const next = sum + value;
    if (Number.isFinite(next)) {
      rest += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    }
    sum = next;
  }
  return Number.isFinite(sum) ? sum + rest : sum;
}
