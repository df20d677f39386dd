/** Bytes in memory as a source, which watches what is asked of it. */
import assert from 'node:assert/strict';
import type { RangeSource } from '#disks/byte-source.ts';
import { MIB } from '#kernel/units.ts';

/** No header is worth more than this in one go. */
const MOST_AT_ONCE = 4 * MIB;

export class MemorySource implements RangeSource {
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;
  isDisposed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.sizeBytes = bytes.byteLength;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    assert.ok(Number.isSafeInteger(offset) && Number.isSafeInteger(length));
    assert.ok(offset >= 0 && length >= 0 && offset + length <= this.sizeBytes, 'a read outside');
    assert.ok(length <= MOST_AT_ONCE, `${length} bytes at once`);
    return Buffer.from(this.#bytes.subarray(offset, offset + length));
  }

  async nextData(offset: number): Promise<{ offset: number; length: number } | undefined> {
    assert.ok(Number.isSafeInteger(offset) && offset >= 0);
    return offset < this.sizeBytes ? { offset, length: this.sizeBytes - offset } : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }
}
