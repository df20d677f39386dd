/**
 * What the pool may hold: `size` members, `memoryBytes` of memory, and `startsAtOnce` starts.
 *
 * A member counts from the decision to start it until nothing of it is left, so that there are
 * never more than `size` of them, those on their way out included. It is charged with its measured
 * memory, and until that is known with what members of its kind take on average. Were that not
 * counted, many starts at once would pass a limit that none of them passes alone.
 */
import { MIB } from '#kernel/units.ts';
import type { PoolSettings } from '#workers/pool-settings.ts';
import type { Isolation } from '#workers/worker-app.ts';

const FLOOR_BYTES: Record<Isolation, number> = { process: 40 * MIB, thread: 8 * MIB };
const WEIGHT_OF_LATEST = 0.1;

export class Capacity {
  readonly #settings: PoolSettings;
  readonly #expectedBytes: Record<Isolation, number> = { ...FLOOR_BYTES };
  readonly #charges = new Map<string, number>();
  readonly #leaving = new Set<string>();
  #chargedBytes = 0;
  #starts = 0;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /** Live members and those on their way out. */
  get members(): number {
    return this.#charges.size;
  }

  /** Of these, how many are bound to go soon. */
  get leaving(): number {
    return this.#leaving.size;
  }

  get chargedBytes(): number {
    return this.#chargedBytes;
  }

  get isOverMemory(): boolean {
    return this.#chargedBytes > this.#settings.memoryBytes;
  }

  /** A pool whose memory is too small for even one member has one nevertheless. */
  hasRoom(kind: Isolation): boolean {
    if (this.members === 0) return true;
    const bytes = this.#chargedBytes + this.#expectedBytes[kind];
    return this.members < this.#settings.size && bytes <= this.#settings.memoryBytes;
  }

  get canStart(): boolean {
    return this.#starts < this.#settings.startsAtOnce;
  }

  beginStart(): void {
    this.#starts += 1;
  }

  endStart(): void {
    this.#starts -= 1;
  }

  take(workerId: string, kind: Isolation): void {
    this.#charge(workerId, this.#expectedBytes[kind]);
  }

  /** `isFirst` readings make the average: later ones say what apps do, not what members take. */
  measured(workerId: string, bytes: number, first?: { readonly kind: Isolation }): void {
    if (!this.#charges.has(workerId)) return;
    this.#charge(workerId, bytes);
    if (first === undefined) return;
    const { kind } = first;
    const average = this.#expectedBytes[kind] * (1 - WEIGHT_OF_LATEST) + bytes * WEIGHT_OF_LATEST;
    this.#expectedBytes[kind] = Math.max(FLOOR_BYTES[kind], average);
  }

  promiseLeave(workerId: string): void {
    if (this.#charges.has(workerId)) this.#leaving.add(workerId);
  }

  release(workerId: string): void {
    this.#chargedBytes -= this.#charges.get(workerId) ?? 0;
    this.#charges.delete(workerId);
    this.#leaving.delete(workerId);
  }

  #charge(workerId: string, bytes: number): void {
    this.#chargedBytes += bytes - (this.#charges.get(workerId) ?? 0);
    this.#charges.set(workerId, bytes);
  }
}
