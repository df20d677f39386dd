/** Finds out which parts of the content of a disk are zero, and so need not be written. */

const ZEROS = Buffer.alloc(64 * 1024);

export function isZero(data: Uint8Array): boolean {
  // Nearly all that is not zero shows it here, before anything native is called.
  if (data.byteLength === 0) return true;
  if (data[0] !== 0 || data[data.byteLength - 1] !== 0) return false;
  for (let at = 0; at < data.byteLength; at += ZEROS.byteLength) {
    const length = Math.min(ZEROS.byteLength, data.byteLength - at);
    if (ZEROS.compare(data, at, at + length, 0, length) !== 0) return false;
  }
  return true;
}

export interface DataRun {
  readonly start: number;
  readonly end: number;
}

/**
 * The stretches of `data` that are not zero, in whole blocks. `offset` is where on the disk `data`
 * begins: blocks are aligned on the disk, so the first and the last may be cut.
 */
export function* findDataRuns(
  data: Uint8Array,
  offset: number,
  blockBytes: number,
): Generator<DataRun, void, undefined> {
  let start: number | undefined;
  for (let at = 0; at < data.byteLength;) {
    const end = Math.min(data.byteLength, at + blockBytes - ((offset + at) % blockBytes));
    if (!isZero(data.subarray(at, end))) start ??= at;
    else if (start !== undefined) {
      yield { start, end: at };
      start = undefined;
    }
    at = end;
  }
  if (start !== undefined) yield { start, end: data.byteLength };
}
