/**
 * The port to whatever measures something. One collector is one switch, one duration and one
 * success in the exposition; when it fails, what it measures is absent and all else goes on.
 */
import type { HostReadings } from './host-readings.ts';

export interface Tick {
  /** Wall time of the sample, aligned to the interval. The same for everything in the tick. */
  readonly atMs: number;
  /** For rates: never jumps, unlike the wall clock. Exactly when this tick began. */
  readonly monotonicMs: number;
  readonly intervalMs: number;
  /** Aborts when the tick has no more time, and when the sampler stops. */
  readonly signal: AbortSignal;
  /** Where collectors put what is wanted in another form than series. */
  readonly readings: HostReadings;
}

/** Made with the SampleTable it writes to. */
export interface Collector {
  /** Lower case with underscores: the value of the label `collector`. */
  readonly name: string;
  /**
   * Takes one sample: sets series and readings. Throws when nothing could be measured; the parts
   * that could be, stay set. A collector that waits for others (a process, a guest, a mount)
   * returns a promise, obeys the signal, and must bear to be called again before it settled.
   */
  collect(tick: Tick): void | Promise<void>;
  [Symbol.asyncDispose]?(): Promise<void>;
}
