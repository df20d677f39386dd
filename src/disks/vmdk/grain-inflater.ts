/** Inflates grains on libuv's threads, several at a time. */
import { damagedImage } from '#disks/image-errors.ts';
import { InflateLane } from './inflate-lane.ts';

/** Twice the threads that libuv has, so that each finds its next grain waiting. */
const LANES = 8;
const GRAINS_AT_ONCE = 32;
const BYTES_AT_ONCE = 16 * 2 ** 20;

/** How many grains to ask for at a time, so that a few tens of MiB are under way at most. */
export function grainsAtOnce(grainBytes: number): number {
  return Math.max(2, Math.min(GRAINS_AT_ONCE, Math.floor(BYTES_AT_ONCE / grainBytes)));
}

/** How long the compressed form of a grain may be: zlib adds little to what it cannot compress. */
export function mostCompressedBytes(grainBytes: number): number {
  return grainBytes + grainBytes / 8 + 1024;
}

export interface CompressedGrain {
  readonly diskOffset: number;
  readonly data: Uint8Array;
  /** How much of it lies within the disk: less than a grain at its end. */
  readonly usedBytes: number;
}

export class GrainInflater implements Disposable {
  readonly #grainBytes: number;
  readonly #idle: InflateLane[] = [];
  readonly #waiting: ((lane: InflateLane) => void)[] = [];
  #lanes = 0;

  constructor(grainBytes: number) {
    this.#grainBytes = grainBytes;
  }

  async inflate({ data, usedBytes, diskOffset }: CompressedGrain): Promise<Uint8Array> {
    const lane = this.#idle.pop() ?? (await this.#nextLane());
    let bytes: Uint8Array;
    try {
      bytes = await lane.inflate(data);
    } catch (thrown) {
      throw damagedImage(`the grain at byte ${diskOffset} of the disk does not inflate`, thrown);
    } finally {
      this.#giveBack(lane);
    }
    if (bytes.byteLength !== this.#grainBytes && bytes.byteLength !== usedBytes) {
      const got = `${bytes.byteLength} bytes instead of ${this.#grainBytes}`;
      throw damagedImage(`the grain at byte ${diskOffset} of the disk inflates to ${got}`);
    }
    return bytes.subarray(0, usedBytes);
  }

  async #nextLane(): Promise<InflateLane> {
    if (this.#lanes < LANES) {
      this.#lanes += 1;
      return new InflateLane(this.#grainBytes);
    }
    const { promise, resolve } = Promise.withResolvers<InflateLane>();
    this.#waiting.push(resolve);
    return await promise;
  }

  #giveBack(lane: InflateLane): void {
    const sound = lane.isSpent ? new InflateLane(this.#grainBytes) : lane;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(sound);
    else next(sound);
  }

  /** Those at work end by themselves; there is nothing outside of this process to be freed. */
  [Symbol.dispose](): void {
    for (const lane of this.#idle.splice(0)) lane[Symbol.dispose]();
  }
}
