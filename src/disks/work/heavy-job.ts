/**
 * What takes the processor's time in a copy, as plain data: whichever thread sees the memory can
 * do it, and none of it waits for anything.
 */
import { hash } from 'node:crypto';
import { isZero } from '#disks/zero-detect.ts';
import { PieceInflater } from './piece-inflater.ts';

export interface InflateJob {
  readonly kind: 'inflate';
  readonly packed: Uint8Array;
  /** Of each piece where it begins in `packed`, and how long it is there. */
  readonly pieces: readonly (readonly [start: number, length: number])[];
  /** The pieces come one after the other, each at a multiple of `mostBytes`. */
  readonly into: Uint8Array;
  readonly mostBytes: number;
}

export interface Inflated {
  /** How long each piece became. It ends before the first that cannot be inflated. */
  readonly lengths: readonly number[];
  readonly failure?: string;
}

export interface HashJob {
  readonly kind: 'hash';
  readonly data: Uint8Array;
  /** The last block may be shorter. */
  readonly blockBytes: number;
}

export const HASH_BYTES = 32;

export type HeavyJob = InflateJob | HashJob;
/** Of hashing, the SHA-256 of each block; all zeros for a block that is zero. */
export type DoneJob<Job extends HeavyJob> = Job extends InflateJob ? Inflated : Uint8Array;

export class JobDoer implements Disposable {
  readonly #inflater = new PieceInflater();

  do(job: HeavyJob): Inflated | Uint8Array {
    return job.kind === 'inflate' ? this.#inflate(job) : hashBlocks(job);
  }

  #inflate({ packed, pieces, into, mostBytes }: InflateJob): Inflated {
    const lengths: number[] = [];
    for (const [start, length] of pieces) {
      const at = lengths.length * mostBytes;
      const target = into.subarray(at, at + mostBytes);
      try {
        lengths.push(this.#inflater.inflate(packed.subarray(start, start + length), target));
      } catch (thrown) {
        return { lengths, failure: thrown instanceof Error ? thrown.message : String(thrown) };
      }
    }
    return { lengths };
  }

  [Symbol.dispose](): void {
    this.#inflater[Symbol.dispose]();
  }
}

function hashBlocks({ data, blockBytes }: HashJob): Uint8Array {
  const hashes = new Uint8Array(Math.ceil(data.byteLength / blockBytes) * HASH_BYTES);
  for (let at = 0, put = 0; at < data.byteLength; at += blockBytes, put += HASH_BYTES) {
    const block = data.subarray(at, at + blockBytes);
    if (!isZero(block)) hashes.set(hash('sha256', block, 'buffer'), put);
  }
  return hashes;
}
