/**
 * Files of one value each, of which a big host has hundreds and which hardly change: a few of them
 * are read in each tick, in turn. Where there are few, that is all of them in every tick.
 */
import type { ProcFile } from './proc-file.ts';

const READS_A_TICK = 32;

export interface RotatingValue {
  readonly file: ProcFile;
  /** As last read; NaN while there is none. */
  value: number;
}

export class RotatingReads {
  #values: readonly RotatingValue[] = [];
  #next = 0;

  /** Those that have not been read yet are read in the next tick, however many. */
  replace(values: readonly RotatingValue[], nowMs: number): void {
    const known = new Set(this.#values);
    this.#values = values;
    this.#next = 0;
    for (const value of values) if (!known.has(value)) value.value = value.file.number(nowMs);
  }

  read(nowMs: number): void {
    const values = this.#values;
    const count = Math.min(READS_A_TICK, values.length);
    for (let done = 0; done < count; done += 1) {
      const value = values[this.#next % values.length];
      this.#next = (this.#next + 1) % values.length;
      if (value !== undefined) value.value = value.file.number(nowMs);
    }
  }
}
