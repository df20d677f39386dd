/** How fast each disk moves: the server tells the rate of all of them together. */
import { SECOND_MS } from '#kernel/units.ts';
import type { WireDisk } from './wire-job.ts';

interface Mark {
  readonly atMs: number;
  readonly bytes: number;
}

/** Long enough that a pause of a moment does not make the time left jump. */
const WINDOW_MS = 10 * SECOND_MS;

export class DiskRates {
  readonly #marks = new Map<number, Mark[]>();

  /** `atMs` never goes back. Bytes a second for each; undefined while too little is known. */
  update(disks: readonly WireDisk[], atMs: number): readonly (number | undefined)[] {
    return disks.map(({ current_bytes: bytes }, at) => {
      const before = this.#marks.get(at) ?? [];
      // Fewer bytes than before: they are read once more, to check them.
      const isAnew = bytes < (before.at(-1)?.bytes ?? 0);
      const kept = isAnew ? [] : before.filter((mark) => atMs - mark.atMs <= WINDOW_MS);
      this.#marks.set(at, [...kept, { atMs, bytes }]);
      const [first] = kept;
      if (first === undefined || atMs - first.atMs < SECOND_MS) return undefined;
      return ((bytes - first.bytes) * SECOND_MS) / (atMs - first.atMs);
    });
  }
}
