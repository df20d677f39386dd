/** The bytes of a file on this machine, which knows of its holes. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import type { RangeSource } from './byte-source.ts';
import { findFileData, type Stretch } from './file-holes.ts';
import { damagedImage } from './image-errors.ts';

const STAT_BLOCK_BYTES = 512;

export async function openFileRangeSource(path: string): Promise<RangeSource> {
  let handle: FileHandle | undefined;
  try {
    // A pipe of that name would otherwise wait here for somebody to write into it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw invalidArgument('path', 'must be a file');
    return new FileRangeSource(handle, path, stats);
  } catch (thrown) {
    await handle?.close();
    throw toReadFailure(thrown);
  }
}

class FileRangeSource implements RangeSource {
  readonly sizeBytes: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #isSparse: boolean;
  #data: Promise<readonly Stretch[] | undefined> | undefined;

  constructor(handle: FileHandle, path: string, file: { size: number; blocks: number }) {
    this.#handle = handle;
    this.#path = path;
    this.sizeBytes = file.size;
    this.#isSparse = file.blocks * STAT_BLOCK_BYTES < file.size;
  }

  async read(
    offset: number,
    length: number,
    signal: AbortSignal,
    target?: Uint8Array,
  ): Promise<Uint8Array> {
    signal.throwIfAborted();
    if (offset + length > this.sizeBytes) throw cutOff(this.sizeBytes);
    const bytes = target ?? Buffer.allocUnsafeSlow(length);
    try {
      for (let at = 0; at < length;) {
        const { bytesRead } = await this.#handle.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0) throw cutOff(offset + at);
        at += bytesRead;
      }
    } catch (thrown) {
      throw toReadFailure(thrown);
    }
    return bytes;
  }

  async nextData(offset: number, signal: AbortSignal): Promise<Stretch | undefined> {
    if (offset >= this.sizeBytes) return undefined;
    const data = this.#isSparse ? await this.#findData(signal) : undefined;
    if (data === undefined) return { offset, length: this.sizeBytes - offset };
    const stretch = data[indexOfFirstAfter(data, offset)];
    if (stretch === undefined) return undefined;
    const start = Math.max(stretch.offset, offset);
    return { offset: start, length: stretch.offset + stretch.length - start };
  }

  async #findData(signal: AbortSignal): Promise<readonly Stretch[] | undefined> {
    this.#data ??= findFileData(this.#path, this.sizeBytes, signal);
    return await this.#data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** The first stretch that ends after the offset. */
function indexOfFirstAfter(data: readonly Stretch[], offset: number): number {
  let [low, high] = [0, data.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const stretch = data[middle];
    if (stretch !== undefined && stretch.offset + stretch.length <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function cutOff(after: number): DroverError {
  return damagedImage(`its file ends after ${after} bytes`);
}

function toReadFailure(thrown: unknown): unknown {
  switch (systemErrorCode(thrown)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new DroverError('not_found', 'there is no file of that name for the disk image', {
        reason: 'DISK_IMAGE_NOT_FOUND',
        cause: thrown,
      });
    case 'EACCES':
    case 'EPERM':
      return new DroverError('failed_precondition', 'the file of the disk image may not be read', {
        reason: 'DISK_IMAGE_NOT_READABLE',
        cause: thrown,
      });
    case 'EIO':
      return damagedImage('the device it lies on cannot read it', thrown);
    default:
      return thrown;
  }
}
