/** One user for each member at a time, so that members cannot so much as signal each other. */
import { DroverError } from '#kernel/errors.ts';
import type { UserRange } from './confinement.ts';

export class UserIds {
  readonly #range: UserRange | undefined;
  readonly #free: number[] = [];
  #next = 0;

  constructor(range: UserRange | undefined) {
    this.#range = range;
  }

  /** Undefined where members run as Drover's own user. */
  take(): number | undefined {
    if (this.#range === undefined) return undefined;
    const { firstUid, count } = this.#range;
    if (count === 1) return firstUid;
    const freed = this.#free.shift();
    if (freed !== undefined) return freed;
    if (this.#next >= count) {
      throw new DroverError('resource_exhausted', `all ${count} users for workers are taken`);
    }
    this.#next += 1;
    return firstUid + this.#next - 1;
  }

  /** Nothing of that user may run any more. */
  give(uid: number | undefined): void {
    if (uid !== undefined && this.#range?.count !== 1) this.#free.push(uid);
  }
}
