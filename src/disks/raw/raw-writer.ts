/** A raw image: the disk byte by byte, in a file with holes where it is zero. */
import type { DiskMark, DiskWriter } from '#disks/disk-writer.ts';
import { damagedImage } from '#disks/image-errors.ts';
import { ImageFile } from '#disks/image-file.ts';
import { findDataRuns } from '#disks/zero-detect.ts';

/** What most file systems keep in one piece. */
const BLOCK_BYTES = 4096;

export class RawWriter implements DiskWriter {
  readonly capacityBytes: number;
  readonly #file: ImageFile;

  private constructor(file: ImageFile, capacityBytes: number) {
    this.#file = file;
    this.capacityBytes = capacityBytes;
  }

  static async create(path: string, capacityBytes: number): Promise<RawWriter> {
    const file = await ImageFile.create(path);
    try {
      await file.setLength(capacityBytes);
      await file.syncName();
      return new RawWriter(file, capacityBytes);
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** The file has its length from the start: what came after a mark is written over. */
  static async resume(
    path: string,
    at: { readonly capacityBytes: number; readonly endBytes: number },
  ): Promise<RawWriter> {
    if (at.endBytes !== at.capacityBytes) throw damagedImage('it was not as long as the disk is');
    return new RawWriter(await ImageFile.reopen(path, at.endBytes), at.capacityBytes);
  }

  get writtenBytes(): number {
    return this.#file.writtenBytes;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    for (const { start, end } of findDataRuns(data, offset, BLOCK_BYTES)) {
      this.#file.append(offset + start, data.subarray(start, end));
    }
    if (this.#file.isFull) await this.#file.room();
  }

  async flush(): Promise<DiskMark> {
    await this.#file.sync();
    return { format: 'raw', endBytes: this.capacityBytes };
  }

  async finish(): Promise<void> {
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}
