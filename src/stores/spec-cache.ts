/**
 * The specifications of the machines looked at most recently. A specification never changes, and
 * is most of a row: with it in memory a look at a machine reads and parses only the rest.
 */
import type { MachineSpec } from '#machines/machine-spec.ts';

const MOST_KEPT = 2048;

interface Kept {
  readonly createdAt: number;
  readonly spec: MachineSpec;
}

export class SpecCache {
  readonly #kept = new Map<string, Kept>();

  /**
   * An id can be used again after its machine was deleted, by another process too. So whoever
   * takes this from here asks the database in the same query whether the machine is still the one
   * created then.
   */
  find(id: string): Kept | undefined {
    return this.#kept.get(id);
  }

  /** For an id that is used anew: two machines of one instant cannot be told apart above. */
  forget(id: string): void {
    this.#kept.delete(id);
  }

  keep(id: string, kept: Kept): void {
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    if (this.#kept.size <= MOST_KEPT) return;
    const oldest = this.#kept.keys().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
