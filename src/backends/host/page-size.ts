/** How large a page of memory is: 4096 bytes nearly everywhere, 16 or 64 KiB on some arm64. */
import { readFileSync } from 'node:fs';

const USUAL_BYTES = 4096;
const PAGE_SIZE_KEY = 6n;
const PAIR_BYTES = 16;

/** The kernel tells every process, in pairs of numbers that lie beside its arguments. */
export function readPageSize(procRoot: string): number {
  let vector: Buffer;
  try {
    vector = readFileSync(`${procRoot}/self/auxv`);
  } catch {
    // A kernel that hides it is a kernel of the usual kind.
    return USUAL_BYTES;
  }
  for (let at = 0; at + PAIR_BYTES <= vector.length; at += PAIR_BYTES) {
    if (vector.readBigUInt64LE(at) !== PAGE_SIZE_KEY) continue;
    return Number(vector.readBigUInt64LE(at + PAIR_BYTES / 2));
  }
  return USUAL_BYTES;
}
