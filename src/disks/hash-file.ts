/** The digest of a file, or of a part of one, as manifests have it. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { MIB } from '#kernel/units.ts';
import { toDiskFailure } from './disk-failure.ts';
import { damagedImage } from './image-errors.ts';
import type { PartPlace } from './source-part.ts';

const PIECE_BYTES = MIB;

export const HASH_ALGORITHMS = ['sha1', 'sha256', 'sha512'] as const;
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

export interface HashFileOptions {
  readonly signal: AbortSignal;
  /** SHA-256 unless said. */
  readonly algorithm?: HashAlgorithm | undefined;
  /** All of the file unless said. */
  readonly part?: PartPlace | undefined;
  readonly onProgress?: (doneBytes: number) => void;
}

/** In lower-case hex. */
export async function hashFile(path: string, options: HashFileOptions): Promise<string> {
  const { signal, onProgress, algorithm = 'sha256', part } = options;
  const { offset: start = 0, length = Infinity } = part ?? {};
  try {
    await using handle = await open(path, 'r');
    const hash = createHash(algorithm);
    const read = (into: Buffer, doneBytes: number) =>
      handle.read(into, 0, Math.min(PIECE_BYTES, length - doneBytes), start + doneBytes);
    // One piece is read while the other is hashed.
    let next = Buffer.allocUnsafe(PIECE_BYTES);
    let reading = read(next, 0);
    for (let doneBytes = 0, spare = Buffer.allocUnsafe(PIECE_BYTES); ;) {
      const { bytesRead } = await reading;
      signal.throwIfAborted();
      if (bytesRead === 0) {
        if (part !== undefined && doneBytes < length) throw damagedImage('its file was cut off');
        return hash.digest('hex');
      }
      doneBytes += bytesRead;
      const here = next;
      next = spare;
      spare = here;
      reading = read(next, doneBytes);
      // It is awaited above, unless hashing throws.
      reading.catch(() => undefined);
      hash.update(here.subarray(0, bytesRead));
      onProgress?.(doneBytes);
    }
  } catch (thrown) {
    throw toDiskFailure(thrown);
  }
}
